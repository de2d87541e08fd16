// Package pages makes manual pages and shell completions from the tree of commands.
package pages

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/chartpost/chartpost/cmd/chartpost/internal/cli"
)

// Write writes man/*.1 and completions/* below a folder.
func Write(dir string) error {
	files, err := Make()
	if err != nil {
		return err
	}
	for name, data := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Make makes the files, by their names below the folder. They depend on the commands alone.
func Make() (map[string][]byte, error) {
	files := map[string][]byte{}
	root := cli.Tree()
	header := &doc.GenManHeader{Title: "CHARTPOST", Section: "1", Source: "Chartpost", Manual: "Chartpost", Date: &time.Time{}}
	var walk func(cmd *cobra.Command) error
	walk = func(cmd *cobra.Command) error {
		if cmd.Hidden {
			return nil
		}
		var b bytes.Buffer
		h := *header
		h.Title = ""
		if err := doc.GenMan(cmd, &h, &b); err != nil {
			return err
		}
		files["man/"+dashed(cmd.CommandPath())+".1"] = bytes.Replace(b.Bytes(), []byte(`"Jan 0001" `), []byte(`"" `), 1) // no clock
		for _, sub := range cmd.Commands() {
			if sub.Name() == "help" || sub.Name() == "completion" {
				continue
			}
			if err := walk(sub); err != nil {
				return err
			}
		}
		return nil
	}
	root.DisableAutoGenTag = true
	if err := walk(root); err != nil {
		return nil, err
	}
	for name, gen := range map[string]func(*bytes.Buffer) error{
		"chartpost.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_chartpost":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"chartpost.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"chartpost.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		var b bytes.Buffer
		if err := gen(&b); err != nil {
			return nil, err
		}
		files["completions/"+name] = b.Bytes()
	}
	return files, nil
}

func dashed(path string) string {
	return string(bytes.ReplaceAll([]byte(path), []byte(" "), []byte("-")))
}
