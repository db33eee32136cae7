package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// A Maker makes the processor that a child runs.
type Maker func(preproc.View, []preproc.Spec) (preproc.Processor, error)

// Serve is the child's life: it gives up what it does not need, makes sure that
// the preprocessor works without it, and answers frames until the parent hangs
// up. It is called by the process that [New] starts, and returns an error only
// for the parent to read in the last words.
func Serve(maker Maker) error {
	// Who stops the agent may signal every process of it; the parent decides.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := confine(); err != nil {
		return fmt.Errorf("worker: sandbox: %w", err)
	}
	if err := preproc.SelfTest(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return serve(childSocket, maker)
}

// A server is the child's side of a socket.
type server struct {
	socket   int
	maker    Maker
	told     setup
	proc     preproc.Processor
	memories [][]byte

	request request
	answer  answer
	frame   capture.Frame
	made    [preproc.MaxOutputs]preproc.Image
	drawn   [preproc.MaxOutputs]preproc.Drawn // the mark that each image had last
	images  []*preproc.Image
}

func serve(socket int, maker Maker) error {
	// One thread, so that the parent can see how it is.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &server{socket: socket, maker: maker}
	s.answer.Lengths[0] = uint64(unix.Gettid())
	defer s.close()
	for err := s.send(); ; err = s.step() { // the first answer says ready
		if err != nil {
			return err
		}
		n, err := s.receive()
		switch {
		case err != nil:
			return fmt.Errorf("worker: receive: %w", err)
		case n == 0:
			return nil // the parent hung up
		case n != len(memoryOf(&s.request)):
			return fmt.Errorf("worker: a request of %d bytes", n)
		}
	}
}

func (s *server) step() error {
	if s.request.Ask == askMemory {
		return s.introduce()
	}
	s.process()
	return s.send()
}

func (s *server) receive() (n int, err error) {
	for {
		if n, err = unix.Read(s.socket, memoryOf(&s.request)); err != unix.EINTR {
			return n, err
		}
	}
}

func (s *server) send() error {
	_, err := unix.Write(s.socket, memoryOf(&s.answer))
	return err
}

// introduce maps the memories that the parent sends, once.
func (s *server) introduce() error {
	text, oob := make([]byte, maxSetup), make([]byte, unix.CmsgSpace(4*64))
	n, oobn, _, _, err := unix.Recvmsg(s.socket, text, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return fmt.Errorf("worker: receive memory: %w", err)
	}
	if s.proc != nil {
		return errors.New("worker: introduced twice")
	}
	if err := json.Unmarshal(text[:n], &s.told); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	descriptors, err := descriptorsOf(oob[:oobn])
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if s.proc, err = s.maker(s.told.View, s.told.Specs); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	s.images = make([]*preproc.Image, len(s.told.Specs))
	return s.mapAll(descriptors, s.told.Memories)
}

func descriptorsOf(oob []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("%d control messages: %w", len(messages), err)
	}
	return unix.ParseUnixRights(&messages[0])
}

func (s *server) close() {
	_ = s.unmap() // the process ends
	if s.proc != nil {
		_ = s.proc.Close()
	}
}

// process works on the frame of the request and makes the answer.
func (s *server) process() {
	r := &s.request
	s.lay(r)
	s.answer = answer{Serial: r.Serial}
	measure, err := s.run(r.Ask == askKnown)
	if err != nil {
		s.refuse(err)
		return
	}
	s.answer.Measure = measure
	for i, img := range s.images {
		if img != nil {
			s.drawn[i] = img.Drawn
			s.answer.Lengths[i] = uint64(len(img.Data))
		}
	}
}

// run has the frame preprocessed. A known one comes from no camera: what the
// processor remembers of the camera's frames must not show it.
func (s *server) run(known bool) (preproc.Measure, error) {
	proc := s.proc
	if known {
		made, err := s.maker(s.told.View, s.told.Specs)
		if err != nil {
			return preproc.Measure{}, err
		}
		defer made.Close()
		proc = made
	}
	return proc.Process(context.Background(), &s.frame, s.images)
}

// lay makes the frame and the images of the request. The parent is trusted.
func (s *server) lay(r *request) {
	f := &s.frame
	f.Sequence = r.Sequence
	f.Format = capture.Format{
		PixelFormat: capture.PixelFormat(r.PixelFormat), Width: int(r.Width), Height: int(r.Height),
		Matrix: capture.Matrix(r.Matrix), Range: capture.Range(r.Range),
	}
	for i, at := range r.Planes {
		f.Format.Stride[i] = int(r.Stride[i])
		f.Planes[i] = nil
		if at.Length > 0 {
			f.Planes[i] = s.memories[at.Memory][at.Offset:][:at.Length:at.Length]
		}
	}
	for i := range s.images {
		at := &r.Images[i]
		s.images[i] = nil
		if at.Memory != notDue {
			s.made[i].Data = s.memories[at.Memory][at.Offset:][:0:at.Length]
			s.made[i].Drawn = 0
			if r.Bordered>>i&1 != 0 {
				s.made[i].Drawn = s.drawn[i]
			}
			s.images[i] = &s.made[i]
		}
	}
}

func (s *server) refuse(err error) {
	e, ok := errors.AsType[*preproc.Error](err)
	if !ok {
		e = &preproc.Error{Reason: preproc.ReasonFailed, Detail: err.Error()}
	}
	s.answer.Status = refused + uint32(e.Reason)
	copy(s.answer.Detail[:len(s.answer.Detail)-1], e.Detail)
}
