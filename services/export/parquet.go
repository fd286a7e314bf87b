package export

import (
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// parquetBatch is how many rows are handed over at once.
const parquetBatch = 1024

// WriteParquet writes a table as Parquet, compressed by Snappy. Every column may be null.
func (t *Table) WriteParquet(w io.Writer) error {
	out := parquet.NewWriter(w, t.schema(), parquet.Compression(&parquet.Snappy))
	batch := make([]parquet.Row, 0, parquetBatch)
	flush := func() error {
		_, err := out.WriteRows(batch)
		batch = batch[:0]
		return err
	}
	err := t.Rows(func(row []any) error {
		if err := t.check(row); err != nil {
			return err
		}
		batch = append(batch, t.parquetRow(row))
		if len(batch) == parquetBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("write table %s as Parquet: %w", t.Name, err)
	}
	return nil
}

// schema is made from a struct, because that keeps the order of columns.
func (t *Table) schema() *parquet.Schema {
	fields := make([]reflect.StructField, len(t.Columns))
	for i, c := range t.Columns {
		kind, options := reflect.TypeFor[string](), ",optional"
		switch c.Type {
		case Integer:
			kind = reflect.TypeFor[int64]()
		case Number:
			kind = reflect.TypeFor[float64]()
		case Flag:
			kind = reflect.TypeFor[bool]()
		case Date:
			kind, options = reflect.TypeFor[int32](), ",optional,date"
		}
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("Column%d", i), Type: kind, Tag: reflect.StructTag(fmt.Sprintf("parquet:%q", c.Name+options)),
		}
	}
	return parquet.NewSchema(t.Name, parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()))
}

func (t *Table) parquetRow(cells []any) parquet.Row {
	row := make(parquet.Row, len(cells))
	for i, cell := range cells {
		if cell == nil {
			row[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		row[i] = t.Columns[i].Type.value(cell).Level(0, 1, i)
	}
	return row
}

func (t Type) value(cell any) parquet.Value {
	switch v := cell.(type) {
	case string:
		return parquet.ByteArrayValue([]byte(v))
	case int:
		if t == Date {
			return parquet.Int32Value(int32(v))
		}
		return parquet.Int64Value(int64(v))
	case float64:
		return parquet.DoubleValue(v)
	case bool:
		return parquet.BooleanValue(v)
	}
	return parquet.NullValue()
}
