package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/herald-go/herald/schema/gate"
)

// printJSON writes one document, indented.
func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

var (
	annotationMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	annotationProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// printAnnotations writes problems as workflow commands of GitHub Actions, which shows them at the file.
func printAnnotations(w io.Writer, dir, level string, problems []gate.Problem) {
	for _, p := range problems {
		where := ""
		if p.Source != "" {
			where = "file=" + annotationProperty.Replace(path.Join(filepath.ToSlash(dir), p.Source)) + ","
		}
		fmt.Fprintf(w, "::%s %stitle=%s::%s\n", level, where, annotationProperty.Replace(string(p.Rule)), annotationMessage.Replace(p.String()))
	}
}
