package rabbitmq_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// Of many topics that are declared at the same time, the first that the broker refuses is told by its name, and those before it are whole.
func TestOfManyTopicsTheFirstRefusedIsTold(t *testing.T) {
	b := shared(t)
	d, plain, prefix := connect(t, b), channel(t, b), matrix.Topic()
	specs := make([]driver.TopicSpec, 30)
	for i := range specs {
		specs[i] = driver.TopicSpec{Name: fmt.Sprint(prefix, "-", i), Groups: []string{"workers"}}
	}
	for _, i := range []int{17, 19} {
		must(t, plain.ExchangeDeclare(specs[i].Name, "headers", true, false, false, false, nil)) // no kind that Herald makes
	}
	err := d.Declare(t.Context(), specs)
	if !errors.Is(err, driver.ErrConflict) || !strings.Contains(err.Error(), "declare "+specs[17].Name+":") {
		t.Fatalf("Declare: %v, want a conflict of %s", err, specs[17].Name)
	}
	verifying := make([]driver.TopicSpec, len(specs))
	copy(verifying, specs)
	for i := range verifying {
		verifying[i].Verify = true
	}
	must(t, d.Declare(t.Context(), verifying[:17]))

	for _, i := range []int{17, 19} {
		must(t, plain.ExchangeDelete(specs[i].Name, false, false))
	}
	must(t, d.Declare(t.Context(), specs))
	must(t, d.Declare(t.Context(), verifying))
	for i := range specs {
		groups, err := d.ListGroups(t.Context(), specs[i].Name)
		if must(t, err); len(groups) != 1 || groups[0].Name != "workers" {
			t.Errorf("%s has the groups %+v, want workers", specs[i].Name, groups)
		}
		if fate := send(t, d, specs[i].Name, "1"); fate != driver.Stored {
			t.Errorf("publish to %s: %v", specs[i].Name, fate)
		}
	}
}
