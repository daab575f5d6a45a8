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

func evalCommand() *cobra.Command {
	var train, test string
	var share float64
	var seed uint64
	cmd := &cobra.Command{
		Use: "eval --train FILE (--test FILE | --split SHARE [--seed N])", Short: "Train the built-in engine on examples and judge it by others",
		Long: `Trains the built-in engine on the examples of one file and judges it by those of
another, which it does not see before. Both are CSV with the header text,label;
the label oos marks what is out of scope. With --split, a share of each label of
the one file is put aside at random, to judge by. Prints JSON: accuracy,
in_scope_accuracy, oos_recall (null without oos in the test), macro_f1, train_s,
classify_p50_us, classify_p99_us.`,
		Args: exit.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if train == "" || (test == "") == (share == 0) {
				return exit.Misused("parley nlu eval needs --train FILE and either --test FILE or --split SHARE")
			}
			if share < 0 || share >= 1 {
				return exit.Misused("--split must be above 0 and below 1, such as 0.2")
			}
			learn, err := readExamples(train)
			if err != nil {
				return err
			}
			var judge []classify.Example
			if test != "" {
				judge, err = readExamples(test)
			} else {
				learn, judge = evaluate.Split(learn, share, seed)
			}
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
	f := cmd.Flags()
	f.StringVar(&train, "train", "", "CSV `file` to learn from")
	f.StringVar(&test, "test", "", "CSV `file` to judge by")
	f.Float64Var(&share, "split", 0, "`share` of the training file to judge by instead")
	f.Uint64Var(&seed, "seed", 1, "with --split: another `number` puts other examples aside")
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
