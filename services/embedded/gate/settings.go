package gate

import (
	"strings"

	"github.com/throughline-trials/throughline/services/embedded/chsql"
)

// Setting says whether a reader may set a query setting. Those on the list change the result's form or make a
// statement cheaper; none lifts a limit, reads a file or changes what a statement may do.
func Setting(name string) bool { return allowedSettings[name] }

var allowedSettings = set(`
	any_join_distinct_right_table_keys cast_keep_nullable date_time_output_format extremes final group_by_use_nulls
	join_default_strictness join_use_nulls limit max_block_size max_threads offset
	output_format_csv_crlf_end_of_line output_format_decimal_trailing_zeros output_format_json_array_of_rows
	output_format_json_escape_forward_slashes output_format_json_named_tuples_as_objects
	output_format_json_quote_64bit_floats output_format_json_quote_64bit_integers output_format_json_quote_decimals
	output_format_json_quote_denormals output_format_tsv_crlf_end_of_line output_format_write_statistics
	prefer_column_name_to_alias session_timezone transform_null_in union_default_mode use_query_condition_cache
`)

func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[name] = true
	}
	return m
}

// checkSettings reads "name = value, name = value" after SETTINGS, up to the first token that does not continue it.
func checkSettings(tokens []chsql.Token) error {
	for {
		if len(tokens) < 3 || tokens[0].Kind != chsql.Word || !tokens[1].IsSymbol("=") {
			return deny("SETTINGS in this place (quote the name if it is a column)")
		}
		if !Setting(tokens[0].Text) {
			return deny("the setting %s", tokens[0].Text)
		}
		tokens = tokens[2:]
		if tokens[0].IsSymbol("-") {
			tokens = tokens[1:]
		}
		if len(tokens) == 0 || tokens[0].Kind != chsql.Number && tokens[0].Kind != chsql.Text && tokens[0].Kind != chsql.Word {
			return deny("a setting's value that is no literal")
		}
		if len(tokens) < 2 || !tokens[1].IsSymbol(",") {
			return nil
		}
		tokens = tokens[2:]
	}
}
