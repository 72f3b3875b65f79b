package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
	"github.com/herald-go/herald/schema/gate"
)

// registryTypes is what a registry holds of the types of a set. A registry is shared: other types in it are someone else's.
type registryTypes struct {
	*confluent.Client
	of gate.Set
}

// List implements schema.Lister.
func (r registryTypes) List(ctx context.Context) ([]schema.Ref, error) {
	refs, err := r.Client.List(ctx)
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for ref := range r.of {
		ours[ref.Type] = true
	}
	return slices.DeleteFunc(refs, func(ref schema.Ref) bool { return !ours[ref.Type] }), nil
}

// loadRegistry reads from a registry what it holds of the set's types.
func loadRegistry(ctx context.Context, url string, set gate.Set) (gate.Set, error) {
	client, err := confluent.New(confluent.Config{
		URL:      url,
		Username: os.Getenv("HERALD_REGISTRY_USERNAME"), Password: os.Getenv("HERALD_REGISTRY_PASSWORD"), Token: os.Getenv("HERALD_REGISTRY_TOKEN"),
	})
	if err != nil {
		return nil, err
	}
	base, err := gate.Load(ctx, registryTypes{client, set})
	if err != nil {
		return nil, fmt.Errorf("against the registry: %w", err)
	}
	return base, nil
}
