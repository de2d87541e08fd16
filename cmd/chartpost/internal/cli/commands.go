package cli

import "github.com/spf13/cobra"

// commands is the one list of commands, in the order of the help, with how each uses memory.
var commands = []struct {
	add func(*CLI) *cobra.Command
	use memoryUse
}{
	{newConvertCommand, overRecords},
	{newValidateCommand, overRecords},
	{newViewCommand, overRecords},
	{newInspectCommand, lean},
	{newInitCommand, lean},
	{newCardCommand, lean},
	{newContactCommand, lean},
	{newKeyCommand, lean},
	{newSealCommand, lean},
	{newOpenCommand, lean},
	{newReceiptCommand, lean},
	{newSendCommand, lean},
	{newFetchCommand, lean},
	{newWatchCommand, lean},
	{newLogCommand, lean},
	{newMapCommand, lean},
	{newExplainCommand, lean},
}

// memoryUse is what a command needs memory for.
type memoryUse int

const (
	// lean commands have little in use. What seals and opens stays below 32 MiB, so what may meet a package is lean: inspect, fetch and watch
	// too. So is map, which reads no more than the first rows of a table.
	lean memoryUse = iota
	// overRecords are commands that make much garbage of many records: their collector is eased (collector.go).
	overRecords
)
