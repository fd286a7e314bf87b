package gate

import "strings"

// Function says whether a reader may call a function, an aggregate function (with any combinators) or one of the two
// table functions. All of them compute from their arguments alone, or tell the time, the version or the current
// database; none reads files, settings, other tables or the state of the server.
func Function(name string) bool {
	name = strings.ToLower(name)
	return allowedFunctions[name] || allowedAggregate(name)
}

// allowedAggregate takes combinators off the end of a name: sumOrNullIf is sum.
func allowedAggregate(name string) bool {
	if allowedAggregates[name] {
		return true
	}
	for _, suffix := range []string{"ordefault", "ornull", "distinct", "foreach", "resample", "argmax", "argmin", "array", "if", "map", "merge"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && allowedAggregate(base) {
			return true
		}
	}
	return false
}

var allowedAggregates = set(strings.ToLower(`
	any anyLast any_respect_nulls anyLast_respect_nulls any_value anyHeavy argMax argMin avg avgWeighted corr corrStable
	count covarPop covarSamp cramersV entropy first_value last_value groupArray groupArrayInsertAt groupArrayMovingAvg
	groupArrayMovingSum groupArrayLast groupArraySample groupArraySorted groupBitAnd groupBitOr groupBitXor groupConcat
	groupUniqArray histogram intervalLengthSum kurtPop kurtSamp mannWhitneyUTest max maxIntersections
	maxIntersectionsPosition max_by maxMap min min_by minMap median medianExact medianExactLow medianExactHigh
	quantile quantileDeterministic quantileExact quantileExactExclusive quantileExactHigh quantileExactInclusive
	quantileExactLow quantileExactWeighted quantileInterpolatedWeighted quantileTDigest quantiles quantilesExact
	quantilesExactExclusive quantilesExactHigh quantilesExactInclusive quantilesExactLow quantilesTDigest rankCorr
	retention sequenceCount sequenceMatch simpleLinearRegression skewPop skewSamp stddevPop stddevPopStable stddevSamp
	stddevSampStable studentTTest sum sumCount sumKahan sumMap sumWithOverflow topK topKWeighted uniq uniqCombined
	uniqCombined64 uniqExact uniqHLL12 uniqUpTo varPop varPopStable varSamp varSampStable welchTTest windowFunnel
	stddev_pop stddev_samp var_pop var_samp covar_pop covar_samp string_agg array_agg group_concat bit_and bit_or bit_xor
`))

var allowedFunctions = set(strings.ToLower(`
	numbers generateSeries generate_series

	and or xor not equals notEquals less greater lessOrEquals greaterOrEquals isDistinctFrom isNotDistinctFrom
	in notIn nullIn notNullIn globalIn globalNotIn globalNullIn globalNotNullIn exists
	if multiIf greatest least clamp caseWithExpression caseWithExpr caseWithoutExpression caseWithoutExpr
	isNull isNotNull isNullable isZeroOrNull ifNull nullIf coalesce assumeNotNull toNullable firstNonDefault

	plus minus multiply divide intDiv intDivOrZero intDivOrNull divideOrNull modulo mod moduloOrZero moduloOrNull
	positiveModulo negate abs gcd lcm max2 min2 midpoint isFinite isInfinite isNaN ifNotFinite
	exp exp2 exp10 ln log log2 log10 log1p sqrt cbrt pow power erf erfc lgamma tgamma factorial sign pi e sigmoid
	sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh hypot degrees radians widthBucket width_bucket
	round roundBankers roundToExp2 roundDuration roundAge roundDown floor ceil ceiling trunc truncate
	proportionsZTest minSampleSizeContinuous minSampleSizeConversion
	bitAnd bitOr bitXor bitNot bitCount bitTest bitShiftLeft bitShiftRight

	CAST _CAST toBool toInt8 toInt16 toInt32 toInt64 toInt128 toUInt8 toUInt16 toUInt32 toUInt64 toUInt128 toFloat32 toFloat64
	toInt8OrNull toInt16OrNull toInt32OrNull toInt64OrNull toUInt8OrNull toUInt16OrNull toUInt32OrNull toUInt64OrNull
	toFloat32OrNull toFloat64OrNull toInt64OrZero toUInt64OrZero toFloat64OrZero toInt32OrZero toUInt32OrZero
	toInt64OrDefault toFloat64OrDefault toDecimal32 toDecimal64 toDecimal128 toDecimal64OrNull toDecimalString
	toString toFixedString toStringCutToZero toLowCardinality toUUID toUUIDOrNull toTypeName materialize identity ignore
	toDate toDate32 toDateOrNull toDateTime toDateTime64 toDateTimeOrNull toDateTime64OrNull parseDateTime
	parseDateTimeOrNull parseDateTimeBestEffort parseDateTimeBestEffortOrNull parseDateTime64BestEffort
	toInterval toIntervalSecond toIntervalMinute toIntervalHour toIntervalDay toIntervalWeek toIntervalMonth
	toIntervalQuarter toIntervalYear toIntervalMillisecond

	now now64 today yesterday current_date current_timestamp localtimestamp timezone timezoneOf timezoneOffset toTimezone
	toYear toQuarter toMonth toDayOfMonth toDayOfWeek toDayOfYear toHour toMinute toSecond toMillisecond toUnixTimestamp
	toUnixTimestamp64Milli toUnixTimestamp64Micro fromUnixTimestamp fromUnixTimestamp64Milli fromUnixTimestamp64Micro
	toStartOfYear toStartOfISOYear toStartOfQuarter toStartOfMonth toMonday toStartOfWeek toStartOfDay toStartOfHour
	toStartOfMinute toStartOfSecond toStartOfFiveMinutes toStartOfTenMinutes toStartOfFifteenMinutes toStartOfInterval
	toLastDayOfMonth toLastDayOfWeek toDaysInMonth toISOWeek toISOYear toWeek toYearWeek toYYYYMM toYYYYMMDD
	toYYYYMMDDhhmmss toRelativeDayNum toRelativeWeekNum toRelativeMonthNum toRelativeHourNum toTime
	addYears addQuarters addMonths addWeeks addDays addHours addMinutes addSeconds addMilliseconds addDate addInterval
	subtractYears subtractQuarters subtractMonths subtractWeeks subtractDays subtractHours subtractMinutes
	subtractSeconds subtractMilliseconds subDate subtractInterval dateDiff date_diff timestampDiff age dateTrunc
	date_trunc dateName monthName formatDateTime formatDateTimeInJodaSyntax makeDate makeDateTime timeSlot timeSlots
	year quarter month day hour minute second dayofweek dayofmonth dayofyear last_day date_bin time_bucket

	length lengthUTF8 char_length character_length empty notEmpty lower upper lowerUTF8 upperUTF8 lcase ucase reverse
	reverseUTF8 concat concatWithSeparator concat_ws substring substr mid substringUTF8 substringIndex left right leftUTF8
	rightUTF8 leftPad rightPad lpad rpad trim trimBoth trimLeft trimRight ltrim rtrim repeat space startsWith endsWith
	position positionCaseInsensitive positionUTF8 locate countSubstrings like notLike ilike notILike match extract
	extractAll extractGroups extractAllGroups replace replaceOne replaceAll replaceRegexpOne replaceRegexpAll
	regexpExtract translate splitByChar splitByString splitByRegexp splitByWhitespace arrayStringConcat initcap
	base64Encode base64Decode hex unhex bin char ascii format_bytes formatReadableSize formatReadableQuantity
	formatReadableDecimalSize formatReadableTimeDelta isValidUTF8 editDistance bar

	array tuple tupleElement untuple tupleConcat tuplePlus map mapKeys mapValues mapContains mapContainsKey mapFromArrays
	mapAdd mapSubtract mapFilter mapApply mapSort mapConcat mapUpdate arrayElement arrayElementOrNull emptyArrayToSingle
	emptyArrayString emptyArrayUInt8 emptyArrayInt64 emptyArrayFloat64 range has hasAll hasAny hasSubstr indexOf countEqual
	arrayAll arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayCumSumNonNegative arrayDifference arrayDistinct
	arrayDotProduct arrayEnumerate arrayEnumerateDense arrayEnumerateUniq arrayExcept arrayExists arrayFill arrayFilter
	arrayFirst arrayFirstIndex arrayFirstOrNull arrayFlatten flatten arrayFold arrayIntersect arrayJoin unnest arrayLast
	arrayLastIndex arrayLastOrNull arrayMap arrayMax arrayMin arrayPopBack arrayPopFront arrayProduct arrayPushBack
	arrayPushFront arrayRemove arrayResize arrayReverse arrayReverseFill arrayReverseSort arrayRotateLeft arrayRotateRight
	arrayShiftLeft arrayShiftRight arraySlice arraySort arraySplit arraySum arrayUnion arrayUniq arrayWithConstant
	arrayZip lambda

	JSONHas JSONLength JSONType JSONExtract JSONExtractString JSONExtractInt JSONExtractUInt JSONExtractFloat
	JSONExtractBool JSONExtractRaw JSONExtractKeys JSONExtractArrayRaw isValidJSON toJSONString simpleJSONExtractString
	simpleJSONExtractInt simpleJSONExtractFloat simpleJSONExtractBool simpleJSONHas

	cityHash64 sipHash64 sipHash128 xxHash64 xxh3 MD5 SHA256 halfMD5 intHash64 farmHash64

	row_number rank dense_rank denseRank percent_rank percentRank cume_dist ntile lag lead lagInFrame leadInFrame nth_value
	rowNumberInAllBlocks runningDifference neighbor grouping transform tupleToNameValuePairs
	version currentDatabase current_database
`))
