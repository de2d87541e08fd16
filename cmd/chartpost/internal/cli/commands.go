package cli

import "github.com/spf13/cobra"

// commands is the one list of commands, in the order of the help.
var commands = []func(*CLI) *cobra.Command{
	newConvertCommand,
	newValidateCommand,
	newViewCommand,
	newInspectCommand,
	newInitCommand,
	newCardCommand,
	newContactCommand,
	newKeyCommand,
	newSealCommand,
	newOpenCommand,
	newReceiptCommand,
	newSendCommand,
	newFetchCommand,
	newWatchCommand,
	newLogCommand,
	newMapCommand,
	newExplainCommand,
}
