package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
)

// What others say of a command line and of files is for programmers. These say it in the words of the rest.

var wrongCount = regexp.MustCompile(`^accepts (\d+) arg\(s\), received (\d+)$`)

var (
	wrongValue = regexp.MustCompile(`(?s)^invalid argument "(.*)" for "(?:-., )?(--[a-z-]+)" flag: (.*)$`)
	wrongKinds = []struct{ said, want string }{
		{"strconv.ParseInt", "a whole number"},
		{"strconv.ParseBool", "true or false, or nothing at all"},
		{"time: ", "a time such as 30s or 5m"},
	}
)

// misused is an error of cobra, which is about the command line.
func misused(cmd *cobra.Command, err error) *exitError {
	if n := wrongCount.FindStringSubmatch(err.Error()); n != nil {
		_, want, _ := strings.Cut(cmd.Use, " ")
		name := strings.TrimPrefix(cmd.CommandPath(), "chartpost ")
		if n[2] == "0" {
			err = errors.New(name + " needs " + want)
		} else {
			err = errors.New(name + " takes " + want + " and nothing else; a name with blanks needs quotation marks around it")
		}
	}
	if v := wrongValue.FindStringSubmatch(err.Error()); v != nil {
		for _, k := range wrongKinds {
			if strings.HasPrefix(v[3], k.said) {
				err = fmt.Errorf("%s %s: it is %s", v[2], v[1], k.want)
			}
		}
	}
	return &exitError{exitUsage, err, []string{"how it is used: " + cmd.CommandPath() + " --help"}}
}

// schoolDefaults makes the commands that cobra brings along refuse what they do not know, as all others do.
func schoolDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Run = nil
			cmd.RunE = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err == nil && len(rest) > 0 {
					err = fmt.Errorf("unknown command %q for %q", rest[0], about.CommandPath())
				}
				if err != nil {
					return fail(exitUsage, err, "how it is used: chartpost --help")
				}
				about.InitDefaultHelpFlag()
				return about.Help()
			}
		case "completion":
			cmd.Short = "Print a script that completes commands and flags in your shell"
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// inWords is the text of an error, with what the system says of a file said plainly.
func inWords(err error) string {
	text := err.Error()
	var file *fs.PathError
	if !errors.As(err, &file) {
		return text
	}
	dir, temporary := filepath.Dir(file.Path), strings.HasSuffix(file.Path, safefile.Partial)
	plain := ""
	switch {
	case errors.Is(file, fs.ErrNotExist) && temporary:
		plain = "there is no folder " + dir
	case errors.Is(file, fs.ErrNotExist):
		plain = "there is no file or folder " + file.Path
	case errors.Is(file, fs.ErrPermission) && temporary:
		plain = "you may not write into " + dir + " (permission denied)"
	case errors.Is(file, fs.ErrPermission):
		plain = "you may not open " + file.Path + " (permission denied)"
	case errors.Is(file, syscall.EISDIR):
		plain = file.Path + " is a folder, not a file"
	default:
		return text
	}
	return strings.Replace(text, file.Error(), plain, 1)
}

// noFile is the error of a command that was given folders without any file to read.
func noFile() error {
	return fail(exitUnreadable, errors.New("there is no file in what was given"), "look whether it is the right folder; hidden files are passed over")
}
