package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Reap removes the containers that belong to processes of this host which are gone. It returns how many there were.
func (e *Engine) Reap(ctx context.Context) (int, error) {
	found, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", ownerLabel)})
	if err != nil {
		return 0, err
	}
	reaped := 0
	var errs []error
	for _, c := range found.Items {
		owner, err := parseProcess(c.Labels[ownerLabel])
		if err != nil || !owner.gone() {
			continue
		}
		reaped++
		if err := e.remove(ctx, c.ID); err != nil && !e.goes(ctx, c.ID) {
			errs = append(errs, fmt.Errorf("remove container %s: %w", c.ID, err))
		}
	}
	return reaped, errors.Join(errs...)
}

// goes waits for a container that somebody else is removing, as another process that reaps may be, and reports whether it is gone.
func (e *Engine) goes(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	wait := e.client.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case <-wait.Result:
	case <-wait.Error: // it was gone before, or it stays
	}
	_, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	return err != nil && ctx.Err() == nil
}

// ReapFolders kills the local brokers that belong to processes of this host which are gone, and removes their data. It returns how many folders
// there were.
func ReapFolders() (int, error) {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), foldersPrefix+"*"))
	if err != nil {
		return 0, err
	}
	reaped := 0
	var errs []error
	for _, dir := range folders {
		text, err := os.ReadFile(filepath.Join(dir, ownerFile))
		if err != nil {
			continue // another user's, or just being made
		}
		owner, err := parseProcess(string(text))
		if err != nil || !owner.gone() {
			continue
		}
		reaped++
		errs = append(errs, RemoveFolder(dir))
	}
	return reaped, errors.Join(errs...)
}

// RemoveFolder kills the processes of the brokers in dir, and removes it. A process that has another start than the one noted is left alone.
func RemoveFolder(dir string) error {
	brokers, err := filepath.Glob(filepath.Join(dir, "*", startedFile))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range brokers {
		errs = append(errs, killStarted(filepath.Dir(path)))
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}
