package history

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// Read yields the operations of a folder's files, merged by their stamps. Of operations with one stamp those of the file that comes first by name
// are first. It ends at the first error.
func Read(dir string) iter.Seq2[Op, error] {
	return func(yield func(Op, error) bool) {
		names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		if err != nil {
			yield(Op{}, err)
			return
		}
		slices.Sort(names)
		merged := &merge{}
		defer merged.close()
		for i, name := range names {
			if err := merged.open(i, name); err != nil {
				yield(Op{}, err)
				return
			}
		}
		for merged.Len() > 0 {
			o, err := merged.next()
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// stream is one file, and its next operation.
type stream struct {
	rank  int
	name  string
	line  int
	file  *os.File
	lines *bufio.Reader
	next  Op
}

// advance reads the next operation; io.EOF at the end, of which a line that was not finished is a part.
func (s *stream) advance() error {
	line, err := s.lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	s.line++
	s.next = Op{}
	if err := json.Unmarshal(line, &s.next); err != nil {
		return fmt.Errorf("%s:%d: %w", s.name, s.line, err)
	}
	return nil
}

// merge is a heap of streams by their next operations.
type merge []*stream

func (m merge) Len() int { return len(m) }

func (m merge) Less(i, j int) bool {
	if m[i].next.At != m[j].next.At {
		return m[i].next.At < m[j].next.At
	}
	return m[i].rank < m[j].rank
}

func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }

// Push implements heap.Interface.
func (m *merge) Push(x any) { *m = append(*m, x.(*stream)) }

// Pop implements heap.Interface.
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

func (m *merge) open(rank int, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	s := &stream{rank: rank, name: name, file: file, lines: bufio.NewReaderSize(file, 1<<16)}
	err = s.advance()
	if errors.Is(err, io.EOF) {
		return file.Close()
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	heap.Push(m, s)
	return nil
}

// next takes the earliest operation.
func (m *merge) next() (Op, error) {
	s := (*m)[0]
	o := s.next
	err := s.advance()
	switch {
	case err == nil:
		heap.Fix(m, 0)
		return o, nil
	case errors.Is(err, io.EOF):
		heap.Pop(m)
		return o, s.file.Close()
	default:
		return o, err
	}
}

func (m *merge) close() {
	for _, s := range *m {
		_ = s.file.Close() // only read
	}
}

// Follower reads what is appended to a folder's files while processes write. It is for one goroutine.
type Follower struct {
	dir   string
	files map[string]*tail
}

type tail struct {
	read int64 // how far
}

// Follow returns a Follower that begins at the beginning.
func Follow(dir string) *Follower { return &Follower{dir: dir, files: map[string]*tail{}} }

// Poll calls f for each operation since the last call, in order within a file, one file after the other.
func (w *Follower) Poll(f func(Op)) error {
	names, err := filepath.Glob(filepath.Join(w.dir, "*"+suffix))
	if err != nil {
		return err
	}
	for _, name := range names {
		if w.files[name] == nil {
			w.files[name] = &tail{}
		}
		if err := w.files[name].poll(name, f); err != nil {
			return err
		}
	}
	return nil
}

func (t *tail) poll(name string, f func(Op)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	lines := bufio.NewReader(io.NewSectionReader(file, t.read, 1<<40))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a line without its end is read again
		}
		if err != nil {
			return err
		}
		t.read += int64(len(line))
		var o Op
		if err := json.Unmarshal(line, &o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f(o)
	}
}
