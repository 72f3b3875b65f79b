package gate

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// blob is one file of a revision.
type blob struct{ name, id string }

// listTree lists the files below a tree. What is no file, a link or another repository, is left out.
func listTree(ctx context.Context, dir, tree string) ([]blob, error) {
	// Without --full-tree, a folder below the top is looked for in the tree by its own path.
	out, err := git(ctx, dir, nil, "ls-tree", "-r", "-z", "--full-tree", tree)
	if err != nil {
		return nil, err
	}
	var blobs []blob
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		about, name, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(about) // mode, type, id
		if len(fields) != 3 || !strings.HasPrefix(fields[0], "100") {
			continue
		}
		blobs = append(blobs, blob{name, fields[2]})
	}
	return blobs, nil
}

var errBatch = errors.New("expected what git cat-file --batch prints")

// readBlobs reads files. It puts them into an archive in memory, which is a folder to those who read it.
func readBlobs(ctx context.Context, dir string, blobs []blob) (fs.FS, error) {
	var ids strings.Builder
	for _, b := range blobs {
		ids.WriteString(b.id + "\n")
	}
	rest, err := git(ctx, dir, strings.NewReader(ids.String()), "cat-file", "--batch")
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, b := range blobs {
		var text []byte
		if text, rest, err = cutBlob(rest, b.id); err != nil {
			return nil, fmt.Errorf("git: %s: %w", b.name, err)
		}
		file, err := w.CreateHeader(&zip.FileHeader{Name: b.name})
		if err != nil {
			return nil, fmt.Errorf("git: %s: %w", b.name, err)
		}
		if _, err := file.Write(text); err != nil {
			return nil, fmt.Errorf("git: %s: %w", b.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	files, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	return files, nil
}

// cutBlob returns the first object of what git cat-file --batch prints, which must be the blob of this id, and what follows it.
func cutBlob(out []byte, id string) (text, rest []byte, err error) {
	head, body, _ := bytes.Cut(out, []byte("\n"))
	size, ok := bytes.CutPrefix(head, []byte(id+" blob "))
	n, err := strconv.Atoi(string(size))
	if !ok || err != nil || n < 0 || n >= len(body) {
		return nil, nil, errBatch
	}
	return body[:n], body[n+1:], nil
}
