package markdown_test

import (
	"reflect"
	"testing"

	"github.com/herald-go/herald/cmd/internal/markdown"
)

func TestBlocks_FindsEveryFenceWithItsLanguageCommentAndLine(t *testing.T) {
	t.Parallel()
	page := "# Title\n\n" +
		"<!-- snippet: wrap -->\n\n```go title=x\na := 1\n```\n" +
		"text\n~~~ sh\nmake\n~~~\n" +
		"1. in a list\n\n   ```Go\n   if a {\n   \tb()\n   }\n   ```\n" +
		"<!-- lost -->\ntext between\n````\n```\nnot a fence here\n````\n" +
		"```yaml\nno: end"
	want := []markdown.Block{
		{File: "p.md", Line: 5, Language: "go", Comment: "snippet: wrap", Text: "a := 1\n"},
		{File: "p.md", Line: 9, Language: "sh", Text: "make\n"},
		{File: "p.md", Line: 14, Language: "go", Text: "if a {\n\tb()\n}\n"},
		{File: "p.md", Line: 21, Text: "```\nnot a fence here\n"},
		{File: "p.md", Line: 25, Language: "yaml", Text: "no: end\n"},
	}
	if got := markdown.Blocks("p.md", page); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestBlocks_CodeInARunningLineIsNoBlock(t *testing.T) {
	t.Parallel()
	if got := markdown.Blocks("p.md", "```go``` is a word\n``two``\n"); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
}
