// Package nlucmd is `parley nlu`: the built-in understanding of language, trained
// and judged from the command line.
package nlucmd

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/evaluate"
)

// New returns the command.
func New() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "nlu", Short: "Train and judge the understanding of language"}, evalCommand())
}

func evalCommand() *cobra.Command {
	var train, test string
	cmd := &cobra.Command{
		Use: "eval --train FILE --test FILE", Short: "Train the built-in engine on one file and judge it by another",
		Long: `Trains the built-in engine on the examples of one file and judges it by those of
another, which it does not see before. Both are CSV with the header text,label;
the label oos marks what is out of scope. Prints JSON: accuracy,
in_scope_accuracy, oos_recall (null without oos in the test), macro_f1, train_s,
classify_p50_us, classify_p99_us.`,
		Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if train == "" || test == "" {
				return exit.Misused("parley nlu eval needs --train FILE and --test FILE")
			}
			learn, err := readExamples(train)
			if err != nil {
				return err
			}
			judge, err := readExamples(test)
			if err != nil {
				return err
			}
			report, _, err := evaluate.Run(cmd.Context(), learn, judge)
			if err != nil {
				return fmt.Errorf("%s: %w", train, err)
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(report)
		},
	}
	cmd.Flags().StringVar(&train, "train", "", "CSV `file` to learn from")
	cmd.Flags().StringVar(&test, "test", "", "CSV `file` to judge by")
	return cmd
}

func readExamples(name string) ([]classify.Example, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	examples, err := evaluate.ReadCSV(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return examples, nil
}
