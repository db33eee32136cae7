package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/metrics"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/agent/page"
	"github.com/edge-agent/agent/systemd"
)

// How long it takes until it is tried again to listen: an address that is taken
// or gone, or files that cannot be read, are no reason to end.
const webAgain, webAgainMost = time.Second, 30 * time.Second

// A website is the server of the config that is in force, nil for none.
type website struct {
	atomic.Pointer[web.Server]
	renewed chan struct{} // has room for one: there is another server
}

// newWeb makes the server, nil where the config wants none.
func (a *Agent) newWeb(h *config.HTTP) *web.Server {
	if !h.Listen.IsValid() {
		return nil
	}
	return web.New(web.Config{Listen: h.Listen, TokenFile: h.TokenFile, Certificate: h.Certificate, Key: h.Key}, a.handlers())
}

// newControl makes the server for the commands of this machine.
func newControl(a *Agent) *web.Server {
	return control.New(a.RuntimeDir, a.handlers(), map[string]web.Change{
		"/api/v1/log-level": a.verbosity.change,
		"/api/v1/reload":    func(r *http.Request) (any, error) { return a.Reload(r.Context()) },
	})
}

// handlers are what both answer from.
func (a *Agent) handlers() web.Handlers {
	return web.Handlers{
		Live: a.monitor.Check, Ready: a.Ready, Cameras: a.webCameras,
		Status: func() any { return a.Status() }, Metrics: metrics.Handler(a.Status),
		Page: page.Handler(page.Sources{History: a.History, Events: a.events}),
	}
}

// renewWeb has HTTP answered as a new config wants it. Who is connected is hung up on.
func (a *Agent) renewWeb(h *config.HTTP) {
	a.web.Store(a.newWeb(h))
	select {
	case a.web.renewed <- struct{}{}:
	default: // it was not noticed yet that there is the one before
	}
}

// serveWeb answers HTTP until ctx ends, with one server after the other.
func (a *Agent) serveWeb(ctx context.Context) {
	for ctx.Err() == nil {
		one, end := context.WithCancel(ctx)
		var serving sync.WaitGroup
		if s := a.web.Load(); s != nil {
			serving.Go(func() { a.serveSite(one, s) })
		}
		select {
		case <-ctx.Done():
		case <-a.web.renewed:
		}
		end()
		serving.Wait()
	}
}

func (a *Agent) serveSite(ctx context.Context, s *web.Server) {
	answer(ctx, s, func(url string) {
		a.Log.Info().Str("message_id", systemd.MessageWebListening).Str("url", url).Msg("browsers, curl and Prometheus may ask")
	}, func(err error) {
		a.Log.Warn().Str("message_id", systemd.MessageWebFailing).Err(err).Msg("HTTP cannot be served, trying again")
	})
}

// serveControl answers commands until ctx ends. It calls opened when they may come,
// and when they cannot.
func (a *Agent) serveControl(ctx context.Context, opened func()) {
	if a.control == nil {
		opened()
		return
	}
	answer(ctx, a.control, func(string) { opened() }, func(err error) {
		a.Log.Warn().Str("message_id", systemd.MessageControlFailing).Err(err).Msg("commands cannot be answered, trying again")
		opened()
	})
}

// answer has s serve until ctx ends. That it cannot is told once for each reason.
func answer(ctx context.Context, s *web.Server, listening func(url string), failing func(error)) {
	wait, told := webAgain, ""
	for {
		err := s.Serve(ctx, func(url string) {
			wait, told = webAgain, ""
			listening(url)
		})
		if ctx.Err() != nil {
			return
		}
		if reason := err.Error(); reason != told {
			told = reason
			failing(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait = min(2*wait, webAgainMost)
		}
	}
}

// Ready is Healthy, and that frames of every camera are fresh: it says of a
// camera whose frames all end as drops that it is not, before its state does.
func (a *Agent) Ready() error {
	errs := []error{a.Healthy()}
	cameras := a.list()
	if len(cameras) == 0 {
		errs = append(errs, errors.New("no camera is configured"))
	}
	for _, c := range cameras {
		if silent := c.silent(); c.state.Load().Phase == Publishing && silent > 0 {
			errs = append(errs, fmt.Errorf("camera %s: no good frame for %v", c.cfg.Name, silent.Round(100*time.Millisecond)))
		}
	}
	return errors.Join(errs...)
}
