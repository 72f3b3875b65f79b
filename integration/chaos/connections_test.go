package chaos_test

import (
	"testing"

	"github.com/herald-go/herald/integration/chaos"
)

// A list of the kernel with a listener, two connections from outside, by either version of the protocol, one within, and one that is ending.
const kernelList = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 020011AC:2384 010011AC:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 020011AC:2384 020011AC:C351 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 020011AC:2384 010011AC:C352 06 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue
   0: 0000000000000000FFFF0000020011AC:2384 0000000000000000FFFF0000010011AC:C353 01 00000000:00000000
`

func TestConnectionsFromOutsideAreCounted(t *testing.T) {
	t.Parallel()
	if n := chaos.Foreign(kernelList); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
}
