package csvtab

import "github.com/chartpost/chartpost/pkg/diag"

func openWorkbook(name string, src Source, o *Options) (*File, error) {
	return nil, diag.New(BadWorkbook, diag.Place{Source: name}, "")
}
