package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gate"
)

const againstUsage = "what is published: a folder, git:REVISION (the same folder then), or a registry's http(s) URL"

// loadAgainst reads what --against names, to be compared with the set that was read from dir.
func loadAgainst(cmd *cobra.Command, against, dir string, set gate.Set) (gate.Set, error) {
	switch revision, isGit := strings.CutPrefix(against, "git:"); {
	case against == "":
		return nil, nil
	case isGit:
		return loadGit(cmd.Context(), dir, revision)
	case strings.HasPrefix(against, "http://"), strings.HasPrefix(against, "https://"):
		return loadRegistry(cmd.Context(), against, set)
	}
	if _, err := os.Stat(against); err != nil {
		return nil, fmt.Errorf("against: %w", err)
	}
	folder, err := schema.Folder(os.DirFS(against))
	if err != nil {
		return nil, fmt.Errorf("against %s: %w", against, err)
	}
	return gate.Load(cmd.Context(), folder)
}

func loadGit(ctx context.Context, dir, revision string) (gate.Set, error) {
	files, err := gate.Git(ctx, dir, revision)
	if err != nil {
		return nil, err
	}
	folder, err := schema.Folder(files)
	if err != nil {
		return nil, fmt.Errorf("against git:%s: %w", revision, err)
	}
	return gate.Load(ctx, folder)
}
