package config

import (
	"errors"
	"fmt"
)

// A Text is what a config is made of: its files, the lowest layer first, and the
// calibrations that they name. It makes the same config again whatever has become of
// the files meanwhile.
type Text struct {
	Files []File `json:"files"`
	// Calibrations are those that were read for it, as far as they were.
	Calibrations []File `json:"calibrations,omitempty"`
}

// A File is a file that was read.
type File struct {
	// Path stands in faults, and its directory is where relative paths begin.
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// Read reads the file at path and what the directory beside it holds, see [Load].
func Read(path string) (*Text, error) {
	paths, err := layers(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	t := &Text{}
	for _, p := range paths {
		data, err := readFile(p)
		if err != nil {
			return nil, fmt.Errorf("read config: %w", err)
		}
		t.Files = append(t.Files, File{p, data})
	}
	return t, nil
}

// Config is what the text says. Calibrations that it does not have yet are read and
// added to it. The error is [Faults].
func (t *Text) Config() (*Config, error) {
	if len(t.Files) == 0 {
		return nil, errors.New("read config: no file")
	}
	l := loader{calibration: t.calibration}
	for _, f := range t.Files {
		l.add(f.Path, f.Data)
	}
	return l.config()
}

// calibration is what counts of a file with a calibration.
func (t *Text) calibration(path string) ([]byte, error) {
	for _, f := range t.Calibrations {
		if f.Path == path {
			return f.Data, nil
		}
	}
	data, err := readRegular(path, maxCalibration)
	if err != nil {
		return nil, err
	}
	data = onlyCalibration(data)
	t.Calibrations = append(t.Calibrations, File{path, data})
	return data, nil
}
