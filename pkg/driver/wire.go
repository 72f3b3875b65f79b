package driver

// Native headers, in every form, on brokers that have no field of their own for the attribute. They are a wire format.
//
//	name              attribute       written as
//	herald-id         Message.ID      text
//	herald-type       Message.Type    text
//	herald-key        Message.Key     text
//	herald-slot       Message.Slot    decimal, 0 to 63
//	herald-time       Message.Time    RFC 3339, UTC, nanoseconds
//	herald-not-before NotBefore       RFC 3339, UTC, nanoseconds
//	content-type      ContentType     text, as CloudEvents' Kafka binding has it
const (
	// HeaderID carries Message.ID.
	HeaderID = "herald-id"
	// HeaderType carries Message.Type.
	HeaderType = "herald-type"
	// HeaderKey carries Message.Key.
	HeaderKey = "herald-key"
	// HeaderSlot carries Message.Slot.
	HeaderSlot = "herald-slot"
	// HeaderTime carries Message.Time, exactly.
	HeaderTime = "herald-time"
	// HeaderNotBefore carries Message.NotBefore.
	HeaderNotBefore = "herald-not-before"
	// HeaderContentType carries Message.ContentType.
	HeaderContentType = "content-type"
)

// Slots is the number of slots that keys are hashed to. It is fixed for ever: partitions are sets of slots.
const Slots = 64

// Slot returns the slot of a key: Kafka's murmur2 of its bytes, made positive, modulo Slots. The empty key is slot 0.
func Slot(key string) uint8 {
	if key == "" {
		return 0
	}
	return uint8(Murmur2(key) & 0x7fffffff % Slots) //nolint:gosec // below 64
}

// Murmur2 is the 32-bit MurmurHash2 with the seed of Kafka's Java client (org.apache.kafka.common.utils.Utils.murmur2), so that a key lies
// in the same partition whoever writes it.
func Murmur2(key string) uint32 {
	const m, seed = 0x5bd1e995, 0x9747b28c
	h := uint32(seed) ^ uint32(len(key)) //nolint:gosec // the hash is defined over 32 bits
	for len(key) >= 4 {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> 24
		k *= m
		h = h*m ^ k
		key = key[4:]
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
