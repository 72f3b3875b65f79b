package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// sources are the texts of a tree's Go files without their white space.
type sources []string

func readSources(tree string) (sources, error) {
	var texts sources
	err := filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != tree && (notQuoted(entry.Name()) || strings.HasSuffix(filepath.ToSlash(path), "cmd/internal")) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		texts = append(texts, squeeze(string(text)))
		return err
	})
	return texts, err
}

// notQuoted reports whether a folder's name is one that the go command passes over.
func notQuoted(name string) bool {
	return name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// contain reports whether the text stands in one of the sources.
func (s sources) contain(text string) bool {
	text = squeeze(text)
	return slices.ContainsFunc(s, func(source string) bool { return strings.Contains(source, text) })
}

func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}
