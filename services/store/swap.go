package store

import (
	"context"
	"fmt"
	"time"
)

// MakeNext makes an empty [Next] table beside a fact table; one that is left from before is dropped.
func (s *Store) MakeNext(ctx context.Context, table string) error {
	if err := s.DropNext(ctx, table); err != nil {
		return err
	}
	if err := s.exec(ctx, factTable(Next(table))); err != nil {
		return fmt.Errorf("make table %s: %w", Next(table), err)
	}
	return nil
}

// DropNext drops the [Next] table of a fact table, if it is there.
func (s *Store) DropNext(ctx context.Context, table string) error {
	if err := checkTable(table); err != nil {
		return err
	}
	if err := s.exec(ctx, "DROP TABLE IF EXISTS {db}."+Next(table)+" {on_cluster} SYNC"); err != nil {
		return fmt.Errorf("drop table %s: %w", Next(table), err)
	}
	return nil
}

// SwapNext exchanges a fact table and its [Next] in one step. What was the fact table can then be dropped with
// [Store.DropNext]. The end of ctx does not stop it half way.
func (s *Store) SwapNext(ctx context.Context, table string) error {
	if err := checkTable(table); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	if err := s.exec(ctx, "EXCHANGE TABLES {db}."+table+" AND {db}."+Next(table)+" {on_cluster}"); err != nil {
		return fmt.Errorf("exchange %s and %s: %w", table, Next(table), err)
	}
	return nil
}
