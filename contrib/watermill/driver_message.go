package heraldwatermill

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/driver"
)

// longestUUID is the longest id that is the message's UUID as it is: SQL databases have a column of this width.
const longestUUID = 36

// encode writes a driver's message as Watermill's: the id is the UUID, the native attributes are metadata under the names of package driver.
func encode(m *driver.Message) *message.Message {
	uuid := m.ID
	if len(uuid) > longestUUID {
		sum := sha256.Sum256([]byte(m.ID))
		uuid = hex.EncodeToString(sum[:16])
	}
	msg := message.NewMessage(uuid, slices.Clone(m.Body)) // the driver's caller uses its bytes again
	for i := len(m.Headers) - 1; i >= 0; i-- {            // of two with the same key the first stays
		store(msg.Metadata, m.Headers[i].Key, m.Headers[i].Value)
	}
	set := func(key, value string) {
		if value != "" {
			store(msg.Metadata, key, value)
		}
	}
	if uuid != m.ID {
		set(driver.HeaderID, m.ID)
	}
	set(driver.HeaderType, m.Type)
	set(driver.HeaderKey, m.Key)
	set(driver.HeaderContentType, m.ContentType)
	if m.Key != "" {
		set(driver.HeaderSlot, strconv.Itoa(int(m.Slot)))
	}
	if !m.Time.IsZero() {
		set(driver.HeaderTime, m.Time.UTC().Format(time.RFC3339Nano))
	}
	if !m.NotBefore.IsZero() {
		set(driver.HeaderNotBefore, m.NotBefore.UTC().Format(time.RFC3339Nano))
	}
	return msg
}

// store sets one pair of metadata, in base64 where the value would not survive as the header of a text protocol, whose ends are trimmed.
func store(md message.Metadata, key, value string) {
	trimmed := strings.TrimFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	if trimmed != value || strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
		key, value = encodedPrefix+escape(key), base64.StdEncoding.EncodeToString([]byte(value))
	}
	md[key] = value
}

// decode reads Watermill's message as a driver's, whoever wrote it.
func decode(msg *message.Message, source *driver.Source) *driver.Message {
	m := &driver.Message{ID: msg.UUID, Body: msg.Payload, Source: source, Ref: msg}
	for key, value := range msg.Metadata {
		if strings.HasPrefix(strings.ToLower(key), encodedPrefix) {
			key, value = metadata(driver.Header{Key: strings.ToLower(key), Value: value})
		}
		switch strings.ToLower(key) { // some brokers of Watermill's write header names as HTTP does
		case driver.HeaderID:
			m.ID = value
		case driver.HeaderType:
			m.Type = value
		case driver.HeaderKey:
			m.Key = value
		case driver.HeaderContentType:
			m.ContentType = value
		case driver.HeaderSlot:
		case driver.HeaderTime:
			m.Time, _ = time.Parse(time.RFC3339Nano, value) // a stranger's is no time
		case driver.HeaderNotBefore:
			m.NotBefore, _ = time.Parse(time.RFC3339Nano, value)
		default:
			m.Headers = append(m.Headers, driver.Header{Key: key, Value: value})
		}
	}
	slices.SortFunc(m.Headers, func(a, b driver.Header) int { return strings.Compare(a.Key, b.Key) })
	m.Slot = driver.Slot(m.Key)
	return m
}
