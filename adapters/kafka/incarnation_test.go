package kafka

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

var someTopic = topicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func TestAhead_TheTopicStandsBehindTheRuns(t *testing.T) {
	t.Parallel()
	open := []entry{{100, held}, {101, finished}, {102, finished}, {500, held}, {501, finished}}
	runs, beyond := encodeAhead(100, open, aheadBytes, someTopic)
	nothing, _ := encodeAhead(100, nil, aheadBytes, someTopic)
	golden(t, "ahead_topic.golden", runs+"\n"+nothing+"\n")
	if got := finishedOf(100, runs); beyond != 0 || !slices.Equal(got, []int64{101, 102, 501}) {
		t.Errorf("the runs read back as %v, with %d beyond", got, beyond)
	}
	if got := finishedOf(100, nothing); got != nil {
		t.Errorf("nothing reads back as %v", got)
	}
	if logBeside(runs) != someTopic || logBeside(nothing) != someTopic {
		t.Errorf("the topic reads back as %x and %x", logBeside(runs), logBeside(nothing))
	}
}

func TestAhead_TheTopicTakesNoRoomOfWhatIsFinished(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		l := ledger{log: someTopic}
		var want []int64
		n, share := 1+r.IntN(9000), r.IntN(100)
		for o := range int64(n) {
			l.add(o, held)
			l.next = o + 1
			if o > 0 && r.IntN(100) < share {
				l.settle(o, finished)
				want = append(want, o)
			}
		}
		at, acks := l.position(aheadBytes)
		if got := finishedOf(at.offset, at.ahead); !slices.Equal(got, want) || acks != len(want) || len(at.ahead) > 4096 {
			t.Fatalf("%d finished of %d read back as %d, %d acks, in %d characters", len(want), n, len(got), acks, len(at.ahead))
		}
		if got := logBeside(at.ahead); got != someTopic && at.ahead[:2] != aheadBits {
			t.Fatalf("the topic reads back as %x out of %q", got, at.ahead)
		}
	}
	l := ledger{log: someTopic, next: 7}
	if at, _ := l.position(logLeast - 1); at != (committed{offset: 7}) {
		t.Errorf("with hardly any room the position is %+v", at)
	}
}

func TestAhead_TellsNoTopicWhereNoneStands(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "1r", "1r!!", "1rAQKOAwE", "1bqqqqqqo", "some other client's", "2rAQKOAwE"} {
		if got := logBeside(text); got.known() {
			t.Errorf("%q tells of topic %x", text, got)
		}
	}
}

// frameOf is a request as it is sent, without its size.
func frameOf(key protocol.ApiKey, version uint16, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, version)
	b = append(appendString(append(b, 0, 0, 0, 7), "herald"), noTags)
	return append(b, body...)
}

func TestFlexible_WireForms(t *testing.T) {
	t.Parallel()
	wants := []want{
		{"orders", 0, 5, 100, someTopic}, {"orders", 2, 6, 100, someTopic}, {"inbox", 0, 7, 50, topicID{9}},
	}
	describe := appendDescribe(nil, []string{"orders", "payments"})
	fetch := appendFetchByID(nil, wants, time.Second, 1<<20)
	golden(t, "flexible.golden", hex.EncodeToString(describe)+"\n"+hex.EncodeToString(fetch)+"\n")
}

// An answer that ends too early is an error at every place, and never a panic.
func TestFlexible_AnswersThatAreCutOffAreErrors(t *testing.T) {
	t.Parallel()
	f := newFakeWithIDs()
	f.group = newFakeGroup()
	f.group.holds(t, 0, 3)
	wants := []want{{fakeTopic, 0, 0, 1 << 20, f.topics.id(fakeTopic)}}
	described := f.describe(frameOf(protocol.Metadata, describeVersion, appendDescribe(nil, []string{fakeTopic})))[8:]
	fetched := f.fetchByID(frameOf(protocol.Fetch, fetchByIDVersion, appendFetchByID(nil, wants, 0, 1<<20)))[8:]
	reader := func(b []byte) *wireReader {
		return &wireReader{r: bufio.NewReader(bytes.NewReader(b)), left: len(b)}
	}
	res, err := readDescribe(reader(described))
	if err != nil || len(res.Topics) != 1 || res.ids[0] != f.topics.id(fakeTopic) || res.Topics[0].Name != fakeTopic || len(res.Topics[0].Partitions) != 1 {
		t.Errorf("described is %+v, %v", res, err)
	}
	all, err := readFetchByID(reader(fetched), wants)
	if err != nil || len(all) != 1 || all[0].topic != fakeTopic || all[0].highWater != 3 || len(all[0].data) == 0 {
		t.Errorf("fetched is %+v, %v", all, err)
	}
	for i := range described {
		if _, err := readDescribe(reader(described[:i])); err == nil {
			t.Errorf("%d bytes of %d describe topics", i, len(described))
		}
	}
	for i := range fetched {
		if _, err := readFetchByID(reader(fetched[:i]), wants); err == nil {
			t.Errorf("%d bytes of %d are an answer", i, len(fetched))
		}
	}
}

// Asking by id makes no more garbage than asking by name.
func TestFetchByID_AllocatesNoMoreThanByName(t *testing.T) {
	f := newFakeWithIDs()
	f.group = newFakeGroup()
	f.group.holds(t, 0, 3)
	for _, topics := range [][]string{{fakeTopic}, append(inboxTopics(fakeTopic, "billing"), fakeTopic)} {
		var wants []want
		for _, topic := range topics {
			wants = append(wants, want{topic, 0, 0, 1 << 20, f.topics.id(topic)})
		}
		version10 := append(appendString([]byte{0, 1, 0, 10, 0, 0, 0, 7}, "herald"), appendFetch(nil, wants, 0, 1<<20)...)
		named := f.fetch(version10)[8:]
		byID := f.fetchByID(frameOf(protocol.Fetch, fetchByIDVersion, appendFetchByID(nil, wants, 0, 1<<20)))[8:]
		old, now := garbage(t, wants, named, appendFetch, readFetch), garbage(t, wants, byID, appendFetchByID, readFetchByID)
		t.Logf("of %d topics: %v allocations by name, %v by id", len(topics), old, now)
		if now > old {
			t.Errorf("a fetch of %d topics by id makes %v allocations, and %v by name", len(topics), now, old)
		}
	}
}

// garbage returns how many allocations a request and its answer make.
func garbage(
	t *testing.T, wants []want, answer []byte,
	encode func([]byte, []want, time.Duration, int) []byte, decode func(*wireReader, []want) ([]got, error),
) float64 {
	t.Helper()
	source := bytes.NewReader(answer)
	r := &wireReader{r: bufio.NewReader(source)}
	return testing.AllocsPerRun(100, func() {
		encode(make([]byte, 0, fetchRoom*(1+len(wants))), wants, 0, 1<<20)
		source.Reset(answer)
		r.r.Reset(source)
		r.left, r.err = len(answer), nil
		if all, err := decode(r, wants); err != nil || len(all) != len(wants) {
			t.Fatalf("%d answers, %v", len(all), err)
		}
	})
}
