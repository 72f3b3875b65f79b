package rabbitmq

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"
)

// render turns the value of an AMQP header into text, the same text for the same value:
//
//	string           as it stands
//	bytes            as they stand if they are UTF-8, else in base64
//	bool, integers   true, -42
//	float, double    the shortest text that reads back the same; NaN, +Inf, -Inf
//	decimal          exact, with its scale: 12.50
//	timestamp        RFC 3339 in UTC, whole seconds
//	void             null
//	array, table     JSON, names in order, decimals as JSON numbers, bytes and timestamps as the texts above
func render(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case []byte:
		return bytesText(v)
	case bool:
		return strconv.FormatBool(v)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case amqp.Decimal:
		return decimalText(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case amqp.Table, []any:
		var b strings.Builder
		writeJSON(&b, v)
		return b.String()
	default: // integers of each size
		return fmt.Sprint(v)
	}
}

func bytesText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// decimalText writes value / 10^scale with every digit.
func decimalText(d amqp.Decimal) string {
	digits := strconv.FormatInt(int64(d.Value), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	scale := int(d.Scale)
	if scale == 0 {
		return sign + digits
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

func writeJSON(b *strings.Builder, v any) {
	switch v := v.(type) {
	case amqp.Table:
		b.WriteByte('{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, key)
			b.WriteByte(':')
			writeJSON(b, v[key])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, one := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, one)
		}
		b.WriteByte(']')
	case string, []byte, time.Time:
		writeString(b, render(v))
	case float32:
		writeFloat(b, float64(v), render(v))
	case float64:
		writeFloat(b, v, render(v))
	default:
		b.WriteString(render(v))
	}
}

// writeFloat writes what JSON has no number for as a string.
func writeFloat(b *strings.Builder, v float64, text string) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		writeString(b, text)
		return
	}
	b.WriteString(text)
}

func writeString(b *strings.Builder, s string) {
	quoted, _ := json.Marshal(s) // a string always has a JSON form
	b.Write(quoted)
}
