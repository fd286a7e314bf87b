package gate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/gate"
)

// open starts an engine with a database "results" that readers may see and one "facts" that they may not.
func open(t testing.TB) *chdb.Conn {
	t.Helper()
	path, err := embedded.FindLibrary("", "")
	if err != nil {
		t.Fatal(err)
	}
	library, err := chdb.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := library.Connect("--path=" + t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for _, sql := range []string{
		"CREATE DATABASE results", "CREATE DATABASE facts",
		"CREATE TABLE results.rates (study String, arm String, day UInt32, x UInt64, n UInt64, tags Array(String)) ENGINE = MergeTree ORDER BY (study, arm, day)",
		"INSERT INTO results.rates SELECT 'hope', 'app', number, number, 100, ['a', 'b'] FROM numbers(10)",
		"CREATE TABLE facts.events (participant String) ENGINE = MergeTree ORDER BY participant",
		"CREATE VIEW results.arms AS SELECT DISTINCT study, arm FROM results.rates",
		"USE results",
		"SET max_execution_time = 2, max_memory_usage = 500000000, max_result_bytes = 100000000",
	} {
		if err := conn.Exec(sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return conn
}

var harmless = []string{
	"SELECT 1",
	"select 1;",
	"SELECT version(), currentDatabase(), now(), timezone()",
	"-- a comment\nSELECT /* another */ study FROM rates -- the end",
	"SELECT * FROM rates",
	"SELECT * FROM results.rates AS r WHERE r.study IN ('hope', 'x') AND r.day BETWEEN 1 AND 3",
	"SELECT study, arm, sum(x) / sum(n) AS `Rate (%)` FROM rates GROUP BY study, arm WITH ROLLUP HAVING sum(n) > 0 ORDER BY ALL LIMIT 10",
	"WITH c AS (SELECT day, x FROM rates), (SELECT max(day) FROM c) AS last SELECT * FROM c WHERE day = last",
	"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r",
	"(SELECT 1) UNION ALL (SELECT 2)",
	"SELECT day FROM rates INTERSECT SELECT number FROM numbers(3)",
	"SELECT * FROM rates AS a LEFT JOIN results.arms AS b USING (study, arm) ARRAY JOIN tags AS tag",
	"SELECT x FROM rates WHERE study IN (SELECT study FROM arms) AND (study, arm) IN (SELECT study, arm FROM results.arms)",
	"SELECT sum(x) OVER (PARTITION BY study ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), row_number() OVER w FROM rates WINDOW w AS (ORDER BY day)",
	"SELECT CASE WHEN x > 1 THEN 'a' ELSE 'b' END, x::Float64, CAST(x AS String), x IS NULL, if(x = 1, 2, 3), arrayMap(v -> upper(v), tags), tags[1] FROM rates",
	"SELECT countIf(x > 1), quantileExact(0.5)(x), uniqExactIf(arm, x > 1), sumOrNullIf(x, 1), argMax(x, day), groupArray(day) FROM rates",
	"SELECT number AS day, x FROM numbers(10) AS g LEFT JOIN rates ON rates.day = g.number ORDER BY day WITH FILL FROM 0 TO 9 INTERPOLATE (x AS x)",
	"SELECT * FROM generateSeries(1, 5)",
	"SELECT * EXCEPT (n), COLUMNS('^x') FROM rates LIMIT 1 BY study",
	"SELECT 'INTO OUTFILE', 'a;b', $$x;y$$, 'it''s', 'back\\'slash' AS `into`",
	"SELECT x FROM rates SETTINGS max_threads = 1, join_use_nulls = 1",
	"SELECT x FROM rates FORMAT JSON",
	"SELECT x FROM rates SETTINGS max_threads = 1 FORMAT JSONCompact",
	"SELECT toDate('2026-01-01') + INTERVAL 1 DAY, dateDiff('day', today(), now()), extract(YEAR FROM today())",
	"SELECT x FROM rates WHERE study = {study:String} AND day < {day:UInt32}",
	"SELECT DISTINCT study FROM rates PREWHERE x > 0 QUALIFY row_number() OVER (ORDER BY day) < 3",
}

var harmful = []string{
	"", ";", "SELECT", "1", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE rates", ";SELECT 1",
	// writing and changing
	"INSERT INTO rates SELECT * FROM rates", "DROP TABLE rates", "CREATE TABLE t (a UInt8) ENGINE = Memory", "ALTER TABLE rates DELETE WHERE 1",
	"TRUNCATE TABLE rates", "RENAME TABLE rates TO r2", "EXCHANGE TABLES rates AND arms", "OPTIMIZE TABLE rates", "DELETE FROM rates WHERE 1",
	"CREATE FUNCTION f AS (x) -> x", "CREATE TEMPORARY TABLE t AS SELECT 1", "SET readonly = 0", "USE facts", "KILL QUERY WHERE 1", "SYSTEM SHUTDOWN",
	"SYSTEM STOP MERGES", "BACKUP TABLE rates TO File('x')", "RESTORE TABLE rates FROM File('x')", "ATTACH TABLE t", "DETACH TABLE rates",
	"WITH 1 AS x INSERT INTO rates SELECT x", "SELECT 1 PARALLEL WITH SELECT 2", "SELECT 1 PARALLEL WITH DROP TABLE rates",
	// other statements that read
	"SHOW TABLES", "SHOW CREATE TABLE rates", "DESCRIBE TABLE rates", "EXISTS TABLE facts.events", "CHECK TABLE rates", "EXPLAIN SELECT 1",
	"EXPLAIN PLAN SELECT * FROM facts.events", "SELECT * FROM (EXPLAIN SELECT 1)", "SELECT * FROM (SHOW TABLES)", "FROM rates SELECT x", "TABLE rates", "VALUES (1)",
	// files
	"SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT 1 INTO/**/OUTFILE '/tmp/x'", "SELECT 1 into outfile '/tmp/x' TRUNCATE FORMAT CSV", "SELECT 1 FORMAT CSV INTO OUTFILE '/tmp/x'",
	"SELECT 1 INTO\nOUTFILE '/tmp/x' AND STDOUT", "(SELECT 1) INTO OUTFILE '/tmp/x'", "SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '/tmp/x'",
	"SELECT file('/etc/passwd')", "SELECT FILE('/etc/passwd')", "SELECT `file`('/etc/passwd')", "SELECT \"file\"('/etc/passwd')", "SELECT file /**/ ('/etc/passwd')",
	"SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT * FROM filesystem('/etc')", "SELECT x IN file('x') FROM rates",
	"WITH file('/etc/passwd') AS f SELECT f", "SELECT (SELECT file('/etc/passwd'))", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
	"SELECT * APPLY(file) FROM arms", "SELECT COLUMNS('a') APPLY(x -> file(x)) FROM arms", "SELECT if(1, file('x'), '')", "SELECT x FROM rates ORDER BY file('x')",
	"SELECT x FROM rates WHERE file('x') = ''", "SELECT x FROM rates PREWHERE file('x') = ''", "SELECT x FROM rates GROUP BY file('x')", "SELECT x FROM rates HAVING file('x') = ''",
	"SELECT x FROM rates LIMIT length(file('x'))", "SELECT sum(x) OVER (ORDER BY file('x')) FROM rates", "SELECT sum(x) OVER w FROM rates WINDOW w AS (PARTITION BY file('x'))",
	"SELECT * REPLACE (file('x') AS study) FROM rates", "SELECT x FROM rates AS a JOIN arms AS b ON file('x') = b.arm", "SELECT x FROM rates ARRAY JOIN [file('x')] AS y",
	"SELECT x FROM rates QUALIFY file('x') = ''", "SELECT x FROM rates ORDER BY x WITH FILL FROM length(file('x'))", "SELECT quantile(length(file('x')))(x) FROM rates",
	"SELECT x FROM rates SAMPLE length(file('x'))", "SELECT x, y FROM (SELECT 1 AS x, 2 AS y) ORDER BY x WITH FILL INTERPOLATE (y AS length(file('x')))",
	"SELECT x FROM rates LIMIT 1 BY file('x')", "SELECT sumIf(x, file('x') = '') FROM rates", "SELECT sum(x) FILTER (WHERE file('x') = '') FROM rates",
	// the network, other servers, programs
	"SELECT * FROM url('http://127.0.0.1/', 'CSV')", "SELECT * FROM remote('127.0.0.1', facts.events)", "SELECT * FROM remoteSecure('h', 'd', 't')", "SELECT * FROM cluster('c', facts.events)",
	"SELECT * FROM clusterAllReplicas('c', facts.events)", "SELECT * FROM s3('http://x')", "SELECT * FROM mysql('h', 'd', 't', 'u', 'p')", "SELECT * FROM postgresql('h', 'd', 't', 'u', 'p')",
	"SELECT * FROM mongodb('h', 'd', 't', 'u', 'p', 'a String')", "SELECT * FROM redis('h', 'k', 'k String')", "SELECT * FROM sqlite('/tmp/x', 't')", "SELECT * FROM odbc('x', 'y')", "SELECT * FROM jdbc('x', 'y')",
	"SELECT * FROM executable('sh', CSV, 'a String')", "SELECT * FROM hdfs('x')", "SELECT * FROM iceberg('x')", "SELECT * FROM deltaLake('x')", "SELECT * FROM azureBlobStorage('x')", "SELECT * FROM eval('SELECT 1')",
	"SELECT aiGenerate('x')", "SELECT * FROM numbers(1), url('http://x')", "SELECT * FROM rates JOIN url('http://x', CSV, 'study String') AS u USING study",
	// other table functions
	"SELECT * FROM merge('facts', '.*')", "SELECT * FROM merge('.*')", "SELECT * FROM dictionary('d')", "SELECT * FROM view(SELECT * FROM facts.events)", "SELECT * FROM viewIfPermitted(SELECT 1 ELSE null('a UInt8'))",
	"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))", "SELECT * FROM values('a UInt8', 1)", "SELECT * FROM input('a UInt8')", "SELECT * FROM format(CSV, 'a')", "SELECT * FROM null('a UInt8')", "SELECT * FROM loop(rates)",
	"SELECT * FROM mergeTreeIndex('facts', 'events')", "SELECT * FROM mergeTreeProjection('facts', 'events', 'p')", "SELECT * FROM generateRandom('a UInt8')", "SELECT * FROM zeros(1)", "SELECT * FROM fuzzQuery('SELECT 1')", "SELECT * FROM primes()",
	// functions with a view of the server
	"SELECT dictGet('d', 'a', 1)", "SELECT joinGet('facts.events', 'a', 1)", "SELECT getSetting('max_threads')", "SELECT getServerSetting('x')", "SELECT getMacro('x')", "SELECT hostName()", "SELECT fqdn()", "SELECT currentUser()",
	"SELECT uptime()", "SELECT serverUUID()", "SELECT filesystemAvailable()", "SELECT hasColumnInTable('facts', 'events', 'a')", "SELECT sleep(3)", "SELECT sleepEachRow(1) FROM numbers(10)", "SELECT throwIf(1)", "SELECT logTrace('x')",
	"SELECT addressToLine(1)", "SELECT demangle('x')", "SELECT showCertificate()", "SELECT getClientHTTPHeader('Authorization')", "SELECT catboostEvaluate('/tmp/x', 1)", "SELECT evalMLMethod(1, 2)", "SELECT arrayReduce('sum', [1])",
	"SELECT initializeAggregation('sum', 1)", "SELECT finalizeAggregation(1)", "SELECT aggThrow(1)(1)", "SELECT flameGraph(1)", "SELECT generateSerialID('x')", "SELECT regionToName(1)", "SELECT encrypt('aes-128-ecb', 'x', 'k')",
	"SELECT CAST(unhex('00') AS AggregateFunction(uniq, UInt64))", "SELECT CAST('x', concat('Aggregate', 'Function(uniq, UInt64)'))", "SELECT {x:AggregateFunction(uniq, UInt64)}", "SELECT sumState(1)", "SELECT my_function(1)",
	// other databases
	"SELECT * FROM facts.events", "SELECT * FROM `facts`.`events`", "SELECT * FROM \"facts\".events", "SELECT * FROM facts . events", "SELECT * FROM facts/**/./**/events", "SELECT * FROM system.tables", "SELECT * FROM SYSTEM.tables", "SELECT * FROM system.one",
	"SELECT * FROM information_schema.tables", "SELECT * FROM INFORMATION_SCHEMA.TABLES", "SELECT * FROM default.x", "SELECT * FROM rates, facts.events", "SELECT * FROM rates JOIN facts.events ON 1", "SELECT * FROM rates UNION ALL SELECT * FROM facts.events",
	"SELECT (SELECT count() FROM facts.events)", "SELECT 'x' IN facts.events", "SELECT 'x' IN (facts.events)", "SELECT in('x', facts.events)", "SELECT 'x' NOT IN facts.events", "SELECT 'x' GLOBAL IN facts.events", "SELECT 'x' IN (SELECT participant FROM facts.events)",
	"WITH facts.events AS e SELECT 'x' IN e", "SELECT facts.events AS e, 'x' IN e", "WITH e AS (SELECT * FROM facts.events) SELECT * FROM e", "SELECT EXISTS(SELECT 1 FROM facts.events)", "SELECT 'x' = ANY(SELECT participant FROM facts.events)",
	"SELECT * FROM (SELECT * FROM (SELECT * FROM facts.events))", "SELECT * FROM {t:Identifier}", "SELECT * FROM facts.{t:Identifier}", "SELECT * FROM { t : Identifier }", "SELECT * FROM `facts.events`", "SELECT * FROM results.rates EXCEPT SELECT * FROM facts.events",
	"SELECT nullIn('x', facts.events)", "SELECT tuple('x') IN facts.events", "SELECT * FROM rates SEMI JOIN facts.events ON 1",
	// settings
	"SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS max_threads = 1, readonly = 0", "SELECT 1 SETTINGS max_memory_usage = 0", "SELECT (SELECT 1 SETTINGS max_execution_time = 0)", "SELECT 1 SETTINGS/**/allow_ddl = 1",
	"SELECT 1 settings `readonly` = 0", "SELECT 1 FORMAT CSV SETTINGS readonly = 0", "SELECT 1 SETTINGS max_threads = 1 FORMAT CSV SETTINGS readonly = 0", "SELECT 1 SETTINGS format_schema = 'x'", "SELECT 1 SETTINGS dialect = 'kusto'", "SELECT 1 SETTINGS additional_table_filters = {'a': 'b'}",
	"SELECT 1 SETTINGS format_template_resultset = '/etc/passwd' FORMAT Template", "WITH t AS (SELECT 1 SETTINGS log_comment = 'x') SELECT * FROM t", "SELECT 1 UNION ALL SELECT 2 SETTINGS implicit_select = 1",
	// misleading text
	"SELECT 1 -- \n; DROP TABLE rates", "SELECT 1 /* ", "SELECT 'a", "SELECT `a", "SELECT \"a", "SELECT $x$ a", "SELECT `a\nFunction count` FROM rates", "SELECT 1 AS `x\n TableIdentifier results.rates`, 2 FROM facts.events",
	"SELECT 'a\\'; DROP TABLE rates; --'; DROP TABLE rates", "SELECT ‘a’", "SELECT 1 AS “a”, file('x')", "SELECT 1) UNION ALL (SELECT participant FROM facts.events", "SELECT 1 #\n, file('x')", "SELECT 1\x00, file('x')", "\ufeffSELECT file('x')",
	"SELECT @@version", "SELECT \\N", "SELECT 1 \\G", "SELECT 1 FORMAT Null; SELECT 2",
}

func TestHarmlessStatementsPassAndRun(t *testing.T) {
	conn := open(t)
	params := []chdb.Param{{Name: "study", Value: "hope"}, {Name: "day", Value: "3"}}
	for _, sql := range harmless {
		if err := gate.Check(conn, sql, params, []string{"results"}); err != nil {
			t.Errorf("%s\n\trefused: %v", sql, err)
			continue
		}
		result, err := conn.Query(sql, "TSV", params...)
		if err != nil {
			t.Errorf("%s\n\tdid not run: %v", sql, err)
			continue
		}
		result.Close()
	}
}

func TestHarmfulStatementsAreRefused(t *testing.T) {
	conn := open(t)
	params := []chdb.Param{{Name: "t", Value: "facts.events"}, {Name: "x", Value: "x"}}
	for _, sql := range harmful {
		err := gate.Check(conn, sql, params, []string{"results"})
		var denied *gate.Denied
		var syntax *chdb.Error
		switch {
		case err == nil:
			t.Errorf("%q\n\tpassed", sql)
		case errors.As(err, &denied):
		case errors.As(err, &syntax) && syntax.Code == 62:
		default:
			t.Errorf("%q\n\twas refused for another reason: %v", sql, err)
		}
	}
}

func TestScopeIsWhatTheAccountHas(t *testing.T) {
	conn := open(t)
	if err := gate.Check(conn, "SELECT * FROM facts.events", nil, []string{"results", "facts"}); err != nil {
		t.Errorf("a database that the account has is refused: %v", err)
	}
	err := gate.Check(conn, "SELECT * FROM facts.events", nil, []string{"results"})
	if err == nil || !strings.Contains(err.Error(), "facts") {
		t.Errorf("the refusal does not name the database: %v", err)
	}
}

// FuzzCheck looks for a statement that passes and yet reads a secret or leaves something behind.
func FuzzCheck(f *testing.F) {
	conn := open(f)
	if err := conn.Exec("INSERT INTO facts.events VALUES ('" + secret + "')"); err != nil {
		f.Fatal(err)
	}
	for _, sql := range append(harmless, harmful...) {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if gate.Check(conn, sql, nil, []string{"results"}) != nil {
			return
		}
		if analysis, err := conn.Classify(sql); err != nil || analysis.Class != chdb.ReadOnly || analysis.Statements != 1 {
			t.Fatalf("passed, but is %+v %v: %q", analysis, err, sql)
		}
		result, err := conn.Query(sql, "TSV")
		if err != nil {
			return
		}
		defer result.Close()
		if strings.Contains(string(result.Bytes()), secret) {
			t.Fatalf("passed, but reads another database: %q", sql)
		}
	})
}
