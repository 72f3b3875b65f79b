package kafka

import "time"

// stamp formats times as time.RFC3339Nano in UTC does. Most times are of the same second as the one before, of which it keeps the text. The
// zero value is ready; it belongs to one goroutine.
type stamp struct {
	second int64
	text   []byte
	buf    [32]byte
}

func (s *stamp) append(b []byte, t time.Time) []byte {
	if second := t.Unix(); second != s.second || s.text == nil {
		s.second, s.text = second, t.UTC().AppendFormat(s.buf[:0], "2006-01-02T15:04:05")
	}
	b = append(b, s.text...)
	if rest := t.Nanosecond(); rest > 0 {
		var fraction [10]byte
		last := 0
		for i := 9; i > 0; i-- {
			fraction[i] = byte('0' + rest%10)
			if last == 0 && rest%10 != 0 {
				last = i
			}
			rest /= 10
		}
		fraction[0] = '.'
		b = append(b, fraction[:last+1]...)
	}
	return append(b, 'Z')
}
