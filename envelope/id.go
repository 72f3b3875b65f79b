package envelope

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// backstep is how far the clock may step back before ids follow it. Smaller
// steps are bridged, so that ids stay sorted through a usual correction of
// the clock.
const backstep = 10 * time.Second

// ids is the source of new ids: the last stamp that it gave, and randomness
// read from the system in one call for 512 ids.
var ids struct {
	sync.Mutex
	stamp  uint64
	unused int
	random [512 * 8]byte
}

// NewID returns a new UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, 12 bits
// of the millisecond's fraction (method 3 of section 6.2), 62 random bits from
// crypto/rand. Within a process ids sort in the order in which they were made,
// unless the clock steps back by more than ten seconds, as it does between a
// testing/synctest bubble and the rest of a test; beyond 4096 ids a millisecond
// their time runs ahead of the clock. It blocks on nothing
// but a short mutex and makes one allocation.
func NewID() string {
	now := time.Now()
	ms := uint64(now.UnixMilli())
	stamp := ms<<12 | uint64(now.Nanosecond()%1e6)<<12/1e6
	ids.Lock()
	if stamp <= ids.stamp && ids.stamp-stamp < uint64(backstep.Milliseconds())<<12 {
		stamp = ids.stamp + 1
	}
	ids.stamp = stamp
	if ids.unused == 0 {
		// Read never fails: it ends the program where the system has no randomness.
		_, _ = rand.Read(ids.random[:])
		ids.unused = len(ids.random)
	}
	ids.unused -= 8
	low := binary.NativeEndian.Uint64(ids.random[ids.unused:])
	ids.Unlock()

	high := stamp>>12<<16 | 7<<12 | stamp&0xfff
	return formatUUID(high, low&(1<<62-1)|1<<63)
}

// DeriveID returns an id that depends on parent and name alone, so that every
// attempt at handling parent gives its consequence the same id. It is a UUIDv8
// (RFC 9562) from the first 16 bytes of the SHA-256 of both strings, each
// preceded by its length in 8 bytes, big-endian. This never changes.
func DeriveID(parent, name string) string {
	var buf [256]byte
	b := binary.BigEndian.AppendUint64(buf[:0], uint64(len(parent)))
	b = append(b, parent...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(name)))
	b = append(b, name...)
	sum := sha256.Sum256(b)
	high := binary.BigEndian.Uint64(sum[:8])
	low := binary.BigEndian.Uint64(sum[8:16])
	return formatUUID(high&^0xf000|8<<12, low&(1<<62-1)|1<<63)
}

func formatUUID(high, low uint64) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], high)
	binary.BigEndian.PutUint64(raw[8:], low)
	var out [36]byte
	hex.Encode(out[:8], raw[:4])
	out[8] = '-'
	hex.Encode(out[9:13], raw[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], raw[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], raw[8:10])
	out[23] = '-'
	hex.Encode(out[24:], raw[10:])
	return string(out[:])
}
