package cli

import (
	"errors"
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
	return &exitError{exitUsage, err, []string{"how it is used: " + cmd.CommandPath() + " --help"}}
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
