package broken_test

import (
	"fmt"

	"github.com/herald-go/herald/pkg/drivertest/broken"
)

func ExampleAll() {
	for _, fault := range broken.All() {
		if fault.Name == "swallows the publish error" {
			fmt.Println(fault.Caught)
		}
	}
	// Output:
	// fates/what the broker refused is never reported as stored, and never comes
}
