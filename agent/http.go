package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-agent/agent/agent/metrics"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/agent/page"
	"github.com/edge-agent/agent/systemd"
)

// How long it takes until it is tried again to listen: an address that is taken
// or gone, or files that cannot be read, are no reason to end.
const webAgain, webAgainMost = time.Second, 30 * time.Second

// newWeb makes the server, nil where the config wants none.
func newWeb(a *Agent) *web.Server {
	h := a.Config.HTTP
	if !h.Listen.IsValid() {
		return nil
	}
	return web.New(web.Config{Listen: h.Listen, TokenFile: h.TokenFile, Certificate: h.Certificate, Key: h.Key}, web.Handlers{
		Live: a.monitor.Check, Ready: a.Ready, Cameras: a.webCameras,
		Status: func() any { return a.Status() }, Metrics: metrics.Handler(a.Status),
		Page: page.Handler(page.Sources{History: a.History, Events: a.events}),
	})
}

// serveWeb answers HTTP until ctx ends. That it cannot is told once for each reason.
func (a *Agent) serveWeb(ctx context.Context) {
	if a.web == nil {
		return
	}
	wait, told := webAgain, ""
	for {
		err := a.web.Serve(ctx, func(url string) {
			wait, told = webAgain, ""
			a.Log.Info().Str("message_id", systemd.MessageWebListening).Str("url", url).Msg("browsers, curl and Prometheus may ask")
		})
		if ctx.Err() != nil {
			return
		}
		if reason := err.Error(); reason != told {
			told = reason
			a.Log.Warn().Str("message_id", systemd.MessageWebFailing).Err(err).Msg("HTTP cannot be served, trying again")
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
