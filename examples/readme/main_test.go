package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters"
)

func Example() {
	main()
	// Output:
	// order 17, 2933 cents, attempt 1
	// order 17, 2933 cents, attempt 2
}

func TestABrokerThatIsNotThereIsAnErrorThatSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "carrier-pigeon://loft"} {
		err := run(t.Context(), url)
		if !errors.Is(err, adapters.ErrScheme) || !strings.Contains(err.Error(), "memory://") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
