// Package proven keeps the configs that an agent has run on, so that one which is
// refused at a start, of the administrator or of a version that reads it otherwise,
// leaves no device without its cameras.
//
// What enters: the path of a config, and the word that one is in force. What leaves:
// what its files say now or, when that is refused, the newest of those that were in
// force and that this version accepts. It decides nothing: whoever asks knows which of
// the two it got. It starts nothing and never logs.
//
// Three texts are kept, in one file of the state directory, which is written when a new
// one is in force and not before: a device that starts a thousand times on the same
// config writes nothing.
package proven

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/config"
)

const (
	// most is how many are kept: of two versions that are exchanged for each other,
	// each finds its own.
	most = 3
	// maxBytes is what is read of a record: three configs of files that are as long
	// as they may be.
	maxBytes = 64 << 20
)

// ErrNone says that no config was ever in force, or that none is accepted any more.
var ErrNone = errors.New("no config that worked is kept")

// A Source is where an agent gets its config. Safe for concurrent use.
type Source struct {
	// Path is the config's first file. With Optional it need not be there.
	Path     string
	Optional bool
	// Record is the file in which those that were in force are kept; empty for nowhere.
	Record string
	// Accept refuses a config that can be read and cannot be run; nil accepts all.
	Accept func(*config.Config) error

	mu     sync.Mutex
	newest *config.Text // the last one that was accepted
}

// A kept is a text and when it came into force, after another one.
type kept struct {
	Since time.Time `json:"since"`
	config.Text
}

// Read gives the config that the files say now.
func (s *Source) Read() (*config.Config, error) {
	t, err := config.Read(s.Path)
	if s.Optional && errors.Is(err, fs.ErrNotExist) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.newest = nil // which is no text to keep
		return config.Defaults(), nil
	}
	if err != nil {
		return nil, err
	}
	return s.accept(t)
}

// Newest gives the newest config of the record that is accepted, and since when it is
// there. The error is [ErrNone], or says why the record cannot be read.
func (s *Source) Newest() (*config.Config, time.Time, error) {
	list, err := s.load()
	if err != nil {
		return nil, time.Time{}, err
	}
	for i := range list {
		if c, err := s.accept(&list[i].Text); err == nil {
			return c, list[i].Since, nil
		}
	}
	return nil, time.Time{}, ErrNone
}

func (s *Source) accept(t *config.Text) (*config.Config, error) {
	c, err := t.Config()
	if err != nil {
		return nil, err
	}
	if s.Accept != nil {
		if err := s.Accept(c); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = t
	return c, nil
}

// InForce keeps the config that was read last, for it works.
func (s *Source) InForce() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Record == "" || s.newest == nil {
		return nil
	}
	list, err := s.load()
	if err != nil {
		list = nil // it is of no use to anybody
	}
	if len(list) > 0 && reflect.DeepEqual(list[0].Text, *s.newest) {
		return nil
	}
	next := []kept{{time.Now(), *s.newest}}
	for _, k := range list {
		if len(next) < most && !reflect.DeepEqual(k.Text, *s.newest) {
			next = append(next, k)
		}
	}
	if err := write(s.Record, next); err != nil {
		return fmt.Errorf("keep the config: %w", err)
	}
	return nil
}

// load reads the record. Whoever else may write there can make the caller neither wait
// nor fill the memory.
func (s *Source) load() (list []kept, err error) {
	if s.Record == "" {
		return nil, ErrNone
	}
	f, err := os.OpenFile(s.Record, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", s.Record))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Record, err)
	}
	return list, nil
}

// write replaces the record at once, whatever happens to the power.
func write(path string, list []kept) error {
	var data bytes.Buffer
	if err := json.NewEncoder(&data).Encode(list); err != nil {
		return err
	}
	half := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".half")
	f, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it may have passwords
	if err != nil {
		return err
	}
	_, err = f.Write(data.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return nil
}
