// Package markdown finds the fenced code blocks of a Markdown page, with what stands before them.
package markdown

import "strings"

// Block is one fenced code block.
type Block struct {
	// File is the page's name, as given to [Blocks].
	File string
	// Line is the number of the opening fence's line, counted from 1.
	Line int
	// Language is the first word after the opening fence, in lower case; "" without one.
	Language string
	// Comment is the text of an HTML comment of one line that stands right before the block, blank lines aside.
	Comment string
	// Text is what is between the fences, without the fence's own indentation.
	Text string
}

// Blocks returns the code blocks of a page, fenced by backticks or tildes, in their order. A block whose closing
// fence is missing ends with the page.
func Blocks(file, page string) []Block {
	var blocks []Block
	comment := ""
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		fence := fenceOf(line)
		switch {
		case line == "":
		case fence == "":
			comment = commentOf(line)
		default:
			block := Block{File: file, Line: i + 1, Language: languageOf(line[len(fence):]), Comment: comment}
			indent := len(lines[i]) - len(strings.TrimLeft(lines[i], " \t"))
			block.Text, i = body(lines, i+1, fence, indent)
			blocks = append(blocks, block)
			comment = ""
		}
	}
	return blocks
}

// body returns the text from line start to the closing fence, and the closing fence's index.
func body(lines []string, start int, fence string, indent int) (string, int) {
	var text strings.Builder
	for i := start; i < len(lines); i++ {
		if line := strings.TrimSpace(lines[i]); strings.HasPrefix(line, fence) && strings.Trim(line, fence[:1]) == "" {
			return text.String(), i
		}
		text.WriteString(unindent(lines[i], indent))
		text.WriteByte('\n')
	}
	return text.String(), len(lines)
}

func unindent(line string, indent int) string {
	for indent > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
		line, indent = line[1:], indent-1
	}
	return line
}

// fenceOf returns the run of three or more backticks or tildes that line begins with, or "".
func fenceOf(line string) string {
	for _, mark := range []string{"`", "~"} {
		rest := strings.TrimLeft(line, mark)
		if n := len(line) - len(rest); n >= 3 && !strings.Contains(rest, mark) {
			return line[:n]
		}
	}
	return ""
}

func languageOf(info string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(info), " ")
	return strings.ToLower(word)
}

func commentOf(line string) string {
	text, opened := strings.CutPrefix(line, "<!--")
	text, closed := strings.CutSuffix(text, "-->")
	if !opened || !closed {
		return ""
	}
	return strings.TrimSpace(text)
}
