package driver_test

import (
	"errors"
	"fmt"

	"github.com/herald-go/herald/pkg/driver"
)

// fates is what a caller of Send collects: one fate for each message, by its index.
type fates map[int]driver.Fate

func (f fates) Done(i int, fate driver.Fate, err error) {
	f[i] = fate
	if errors.Is(err, driver.ErrWithdrawn) {
		fmt.Printf("message %d: %v\n", i, err)
	}
}

// A driver claims each message right before its first byte. What its caller took back until then is not written.
func ExampleMessage_Claim() {
	msgs := []*driver.Message{{ID: "1"}, {ID: "2"}, {ID: "3"}}
	msgs[1].Withdraw()

	result := fates{}
	for i, m := range msgs {
		if !m.Claim() {
			result.Done(i, driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		fmt.Println("written:", m.ID)
		result.Done(i, driver.Stored, nil)
	}
	fmt.Println(result[0], result[1], result[2])
	// Output:
	// written: 1
	// message 1: withdrawn before it was written
	// written: 3
	// stored unavailable stored
}
