package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// suffix ends the names of a history's files.
const suffix = ".jsonl"

// File is one process's part of a history. It is safe for concurrent use.
type File struct {
	mu   sync.Mutex
	file *os.File
	line bytes.Buffer
}

// Append opens the file of the process called name in a folder, and makes it where it is missing. A process that comes back under its name goes
// on where it ended.
func Append(dir, name string) (*File, error) {
	f, err := os.OpenFile(filepath.Join(dir, name+suffix), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &File{file: f}, nil
}

// Add stamps operations and appends them, all in one write(2). When it returns nil they outlive the process, however it ends; the machine's end
// is another matter, since nothing is synced.
func (f *File) Add(ops ...Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.line.Reset()
	at := Now() // with the lock held, so that a file's stamps never decrease
	for i := range ops {
		o := ops[i]
		o.At = at
		line, err := json.Marshal(&o)
		if err != nil {
			return fmt.Errorf("history: %w", err)
		}
		f.line.Write(line)
		f.line.WriteByte('\n')
	}
	if _, err := f.file.Write(f.line.Bytes()); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
