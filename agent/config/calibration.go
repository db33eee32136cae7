package config

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/edge-agent/agent/preproc/lens"
)

// maxCalibration is how long a calibration file may be: OpenCV's samples write
// every point of every picture into it.
const maxCalibration = 16 << 20

// lens reads one from the file of a calibration, as OpenCV's FileStorage and ROS's
// camera_info have them.
func (d *decoder) lens(path string) (lens.Lens, []Fault) {
	data, err := d.calibration(path)
	if err != nil {
		return lens.Lens{}, []Fault{{File: path, Found: err.Error(), Allowed: "a calibration is a file that the agent may read"}}
	}
	return parseCalibration(path, data)
}

// readRegular reads a file that is one: a pipe would never end.
func readRegular(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && info.Size() > most {
		err = fmt.Errorf("%d bytes, and %d are the most", info.Size(), most)
	}
	if err != nil {
		return nil, cause(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// cause is an error without the path, which the fault has.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// A calibration is the tree of a file, and what is wrong with it.
type calibration struct {
	file   string
	tree   *node
	faults []Fault
}

func parseCalibration(file string, data []byte) (lens.Lens, []Fault) {
	c := calibration{file: file}
	c.tree = parse(file, onlyCalibration(data), &c.faults)
	if len(c.faults) > 0 {
		return lens.Lens{}, c.faults
	}
	if c.tree == nil || c.tree.shape != mapping {
		c.tree = &node{at: position{file, 1, 1}, shape: mapping}
	}
	l := c.lens()
	if len(c.faults) > 0 {
		return lens.Lens{}, c.faults
	}
	return l, nil
}

// What is read of a file, in small letters: OpenCV's older samples have capital
// ones here and there.
const (
	keyWidth, keyHeight = "image_width", "image_height"
	keyMatrix           = "camera_matrix"
	keyCoefficients     = "distortion_coefficients"
	keyModel            = "distortion_model" // of ROS
	keyFisheye          = "fisheye_model"    // of OpenCV's sample, 0 or 1
)

var calibrationKeys = map[string]bool{
	keyWidth: true, keyHeight: true, keyMatrix: true, keyCoefficients: true, keyModel: true, keyFisheye: true,
}

var topKey = regexp.MustCompile(`^["']?([A-Za-z_][A-Za-z0-9_ -]*)["']?\s*:`)

// onlyCalibration blanks what keys of others hold, which may be a thousand
// times as long as a calibration, and what FileStorage writes that is no YAML:
// the directive %YAML:1.0, and its tags. Lines stay where they are.
func onlyCalibration(data []byte) []byte {
	var b strings.Builder
	b.Grow(len(data))
	wanted := true
	for line := range strings.Lines(string(data)) {
		if m := topKey.FindStringSubmatch(line); m != nil {
			wanted = calibrationKeys[strings.ToLower(m[1])]
		}
		switch {
		case strings.HasPrefix(line, "..."):
			return []byte(b.String())
		case !wanted, strings.HasPrefix(line, "%"), strings.HasPrefix(line, "---"):
			b.WriteByte('\n')
		default:
			b.WriteString(strings.Replace(line, "!!opencv-matrix", "               ", 1))
		}
	}
	return []byte(b.String())
}

func (c *calibration) fault(at position, key, found, allowed string) {
	c.faults = append(c.faults, at.fault(key, found, allowed))
}

// get finds a key in any case.
func (c *calibration) get(key string) (string, *node) {
	for _, e := range c.tree.keys {
		if strings.EqualFold(e.name, key) {
			return e.name, e.value
		}
	}
	return key, nil
}

func (c *calibration) lens() lens.Lens {
	width, height := c.side(keyWidth), c.side(keyHeight)
	m := c.matrix()
	model, counts := c.model()
	k := c.coefficients(counts)
	if len(c.faults) > 0 {
		return lens.Lens{}
	}
	return lens.New(model, width, height, m, k)
}

func (c *calibration) side(key string) int {
	const most = 1 << 16
	name, n := c.get(key)
	if n == nil {
		c.fault(position{c.file, 1, 1}, name, "missing", "a calibration holds for pictures of its own size, image_width and image_height")
		return 0
	}
	v, err := strconv.Atoi(n.text)
	if n.shape != scalar || err != nil || v < 1 || v > most {
		c.fault(n.at, name, "found "+n.describe(), fmt.Sprintf("allowed: 1 to %d pixels", most))
	}
	return v
}

// matrix is [fx 0 cx; 0 fy cy; 0 0 1].
func (c *calibration) matrix() lens.Matrix {
	name, v, at := c.numbers(keyMatrix, func(rows, cols int) bool { return rows == 3 && cols == 3 }, "3 rows of 3")
	if v == nil {
		return lens.Matrix{}
	}
	if !(v[0] > 0 && v[4] > 0) {
		c.fault(at, name, fmt.Sprintf("found focal lengths of %g and %g pixels", v[0], v[4]), "allowed: above 0")
	}
	if v[1] != 0 || v[3] != 0 || v[6] != 0 || v[7] != 0 || v[8] != 1 {
		c.fault(at, name, fmt.Sprintf("found %g", v), "allowed: [fx, 0, cx, 0, fy, cy, 0, 0, 1]; calibrate a fisheye with CALIB_FIX_SKEW")
	}
	// OpenCV's pixel i is around i, and ours begins there.
	return lens.Matrix{FX: v[0], FY: v[4], CX: v[2] + 0.5, CY: v[5] + 0.5}
}

// rosModels are the words of distortion_model, and how many coefficients each
// may have.
var rosModels = map[string]struct {
	model  lens.Model
	counts []int
}{
	"plumb_bob":           {lens.Pinhole, []int{4, 5}},
	"rational_polynomial": {lens.Pinhole, []int{8, 12, 14}},
	"equidistant":         {lens.Fisheye, []int{4}},
	"fisheye":             {lens.Fisheye, []int{4}},
}

func (c *calibration) model() (lens.Model, []int) {
	if name, n := c.get(keyModel); n != nil {
		m := rosModels[n.text]
		if m.model == lens.None {
			c.fault(n.at, name, "found "+n.describe(), "allowed: plumb_bob, rational_polynomial, equidistant, fisheye")
		}
		return m.model, m.counts
	}
	if name, n := c.get(keyFisheye); n != nil {
		switch n.text {
		case "1", "true":
			return lens.Fisheye, []int{4}
		case "0", "false":
		default:
			c.fault(n.at, name, "found "+n.describe(), "allowed: 0, 1")
		}
	}
	return lens.Pinhole, []int{4, 5, 8, 12, 14}
}

func (c *calibration) coefficients(counts []int) []float64 {
	allowed := strings.Trim(strings.ReplaceAll(fmt.Sprint(counts), " ", ", "), "[]") + " in a row or a column"
	one := func(rows, cols int) bool {
		for _, n := range counts {
			if rows == n && cols == 1 || rows == 1 && cols == n {
				return true
			}
		}
		return counts == nil
	}
	_, v, _ := c.numbers(keyCoefficients, one, allowed)
	return v
}

// numbers reads a matrix, which is finite and of the size that fits says.
func (c *calibration) numbers(key string, fits func(rows, cols int) bool, allowed string) (name string, v []float64, at position) {
	name, n := c.get(key)
	if n == nil {
		c.fault(position{c.file, 1, 1}, name, "missing", "allowed: a matrix with rows, cols and data: "+allowed)
		return name, nil, position{}
	}
	rows, cols := c.count(name, n, "rows"), c.count(name, n, "cols")
	if i := n.find("data"); i < 0 || n.keys[i].value.shape != sequence {
		c.fault(n.at, name+".data", "found no list", "allowed: the numbers of the matrix, [...]")
		return name, nil, n.at
	} else {
		v, at = c.list(name, n.keys[i].value), n.keys[i].value.at
	}
	if v == nil || rows == 0 || cols == 0 {
		return name, nil, at
	}
	if !fits(rows, cols) || len(v) != rows*cols {
		c.fault(n.at, name, fmt.Sprintf("found %d numbers, %d rows of %d", len(v), rows, cols), "allowed: "+allowed)
		return name, nil, at
	}
	return name, v, at
}

// count reads rows or cols, 0 when it is wrong.
func (c *calibration) count(name string, n *node, key string) int {
	at, found := n.at, "missing"
	if i := n.find(key); i >= 0 {
		value := n.keys[i].value
		if v, err := strconv.Atoi(value.text); value.shape == scalar && err == nil && v > 0 && v <= 1000 {
			return v
		}
		at, found = value.at, "found "+value.describe()
	}
	c.fault(at, name+"."+key, found, "allowed: how many there are")
	return 0
}

func (c *calibration) list(name string, n *node) []float64 {
	var v []float64
	for _, item := range n.items {
		x, err := strconv.ParseFloat(item.text, 64)
		if item.shape != scalar || err != nil || math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1e9 {
			c.fault(item.at, name+".data", "found "+item.describe(), "allowed: finite numbers")
			return nil
		}
		v = append(v, x)
	}
	return v
}
