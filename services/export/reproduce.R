# Reproduces the published numbers of one study from its exported tables, with R's survival package and base R.
#
#   Rscript reproduce.R [FOLDER] [OUTPUT.json]
#
# FOLDER holds the CSV files of the export (default: the folder of this script). The numbers go to OUTPUT.json (default:
# reproduced.json in FOLDER), in the shape and under the names of the JSON interface. What is undefined is null.
suppressPackageStartupMessages(library(survival))

arguments <- commandArgs(trailingOnly = TRUE)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
folder <- if (length(arguments) >= 1) arguments[1] else if (length(script)) dirname(script) else "."
output <- if (length(arguments) >= 2) arguments[2] else file.path(folder, "reproduced.json")

# ---- reading -----------------------------------------------------------------------------------------------------

# An apostrophe at the start of a text keeps spreadsheets from running it as a formula; it is no part of the text.
plain <- function(x) if (is.character(x)) sub("^'", "", x) else x
read_table <- function(name, texts) {
  path <- file.path(folder, paste0(name, ".csv"))
  names <- strsplit(readLines(path, n = 1, encoding = "UTF-8"), ",")[[1]]
  classes <- ifelse(names %in% texts | startsWith(names, "stratum_"), "character", NA)
  data <- read.csv(path, colClasses = classes, na.strings = "", encoding = "UTF-8", check.names = FALSE)
  as.data.frame(lapply(data, plain), check.names = FALSE)
}
people <- read_table("participants", c("participant", "arm", "site", "peer", "timezone", "tier", "exit"))
periods <- read_table("participant_periods", c("participant", "arm", "scope", "component", "portion"))
measures <- read_table("outcomes", c("participant", "arm", "instrument", "timepoint"))
arms <- read_table("arms", c("arm", "label", "role", "delivery_type"))
given <- read_table("parameters", c("name", "value", "meaning"))
parameter <- function(name) given$value[given$name == name]
people <- people[!is.na(people$arm), ] # assigned: the population randomised

# ---- proportions -------------------------------------------------------------------------------------------------

z <- qnorm(0.975)
none <- function() list(value = NA, lower = NA, upper = NA)
wilson <- function(x, n) {
  p <- x / n
  centre <- (p + z^2 / (2 * n)) / (1 + z^2 / n)
  half <- z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2)) / (1 + z^2 / n)
  c(if (p == 0) 0 else max(0, centre - half), if (p == 1) 1 else min(1, centre + half))
}
rate <- function(x, n) {
  if (n == 0) return(c(list(x = 0, n = 0), none()))
  limits <- wilson(x, n)
  list(x = x, n = n, value = x / n, lower = limits[1], upper = limits[2])
}
among <- function(event, counted) rate(sum(event[counted] == 1), sum(counted))

# Participation: periods in clusters of participants.
participation <- function(x, n) {
  keep <- n > 0
  x <- x[keep]; n <- n[keep]
  N <- sum(n); X <- sum(x); k <- length(n)
  out <- list(x = X, n = N, value = NA, lower = NA, upper = NA, icc = NA, design_effect = NA)
  if (k == 0) return(out)
  out$value <- X / N
  if (k == 1) return(out)
  if (all(n == 1)) {
    out$design_effect <- 1
  } else if (X == 0 || X == N) {
    out$design_effect <- sum(n^2) / N
  } else { # one-way analysis of variance
    own <- x / n
    between <- sum(n * (own - X / N)^2) / (k - 1)
    within <- sum(x * (1 - own)^2 + (n - x) * own^2) / (N - k)
    size <- (N - sum(n^2) / N) / (k - 1)
    out$icc <- (between - within) / (between + (size - 1) * within)
    out$design_effect <- sum(n * (1 + (n - 1) * max(0, out$icc))) / N
  }
  limits <- wilson(X / out$design_effect, N / out$design_effect)
  out$lower <- limits[1]; out$upper <- limits[2]
  out
}

# ---- survival ----------------------------------------------------------------------------------------------------

curve_of <- function(data) {
  fit <- survfit(Surv(time, event) ~ 1, data = data, conf.type = "log-log")
  inside <- fit$surv > 0 & fit$surv < 1
  limit <- function(v) ifelse(inside, v, NA)
  rows <- lapply(seq_along(fit$time), function(i) list(
    day = fit$time[i], at_risk = fit$n.risk[i], events = fit$n.event[i], censored = fit$n.censor[i], survival = fit$surv[i],
    se = if (fit$surv[i] > 0) fit$surv[i] * fit$std.err[i] else NA, lower = limit(fit$lower)[i], upper = limit(fit$upper)[i]))
  list(fit = fit, rows = rows)
}
median_of <- function(fit) {
  table <- unname(summary(fit)$table[c("median", "0.95LCL", "0.95UCL")])
  list(day = table[1], lower = table[2], upper = table[3])
}
rmst_of <- function(fit, horizon) {
  if (is.na(horizon) || horizon == 0) return(list(horizon = if (is.na(horizon)) 0 else horizon, value = NA, se = NA, lower = NA, upper = NA))
  mean <- if (horizon <= min(fit$time)) c(horizon, 0)
    else { table <- summary(fit, rmean = horizon)$table; unname(table[grep("rmean", names(table))]) }
  spread <- if (mean[2] == 0) c(NA, NA) else mean[1] + c(-1, 1) * z * mean[2]
  list(horizon = horizon, value = mean[1], se = mean[2], lower = spread[1], upper = spread[2])
}

quietly <- function(expr) suppressWarnings(tryCatch(expr, error = function(e) NULL))
logrank_of <- function(data) {
  fit <- quietly(survdiff(Surv(time, event) ~ arm, data = data))
  expected <- if (is.null(fit)) 0 else if (is.matrix(fit$exp)) rowSums(fit$exp) else fit$exp
  df <- sum(expected > 0) - 1
  if (df < 1 || !is.finite(fit$chisq)) return(list(chisq = NA, df = max(0, df), p = NA))
  list(chisq = fit$chisq, df = df, p = pchisq(fit$chisq, df, lower.tail = FALSE))
}

# Arms without an event have no finite ratio, nor have arms whose events come only when the reference is no longer at risk:
# they are left out, which leaves the ratios of the others as they are.
cox_of <- function(data, levels) {
  struck <- levels[sapply(levels, function(a) any(data$arm == a & data$event == 1))]
  fit <- NULL
  while (levels[1] %in% struck && length(struck) >= 2) {
    part <- data[data$arm %in% struck, ]
    part$arm <- factor(part$arm, struck)
    infinite <- integer()
    fit <- withCallingHandlers(
      tryCatch(coxph(Surv(time, event) ~ arm, data = part, ties = "efron", control = coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 200)),
        error = function(e) NULL),
      warning = function(w) {
        text <- conditionMessage(w)
        if (grepl("infinite", text)) infinite <<- as.integer(regmatches(text, gregexpr("[0-9]+", sub(";.*", "", text)))[[1]])
        invokeRestart("muffleWarning")
      })
    if (is.null(fit) || length(infinite) == 0) break
    struck <- struck[-(infinite + 1)]
    fit <- NULL
  }
  lapply(levels[-1], function(a) {
    row <- list(arm = a, reference = levels[1], coef = NA, se = NA, hr = NA, lower = NA, upper = NA, p = NA)
    k <- match(a, struck)
    if (is.null(fit) || is.na(k)) return(row)
    coef <- unname(coef(fit)[k - 1]); se <- sqrt(vcov(fit)[k - 1, k - 1])
    row$coef <- coef; row$se <- se; row$hr <- exp(coef)
    row$lower <- exp(coef - z * se); row$upper <- exp(coef + z * se)
    row$p <- 2 * pnorm(-abs(coef / se))
    row
  })
}
rmst_difference <- function(arm, reference) {
  row <- list(value = NA, se = NA, lower = NA, upper = NA, p = NA)
  if (is.na(arm$value) || is.na(reference$value)) return(row)
  row$value <- arm$value - reference$value
  row$se <- sqrt(arm$se^2 + reference$se^2)
  if (row$se > 0) {
    row$lower <- row$value - z * row$se; row$upper <- row$value + z * row$se
    row$p <- 2 * pnorm(-abs(row$value / row$se))
  }
  row
}

attrition <- function(name, kind, variant, horizon) {
  data <- data.frame(arm = people$arm, time = people[[paste0(name, "_time")]], event = people[[paste0(name, "_event")]],
    ended = people[[paste0(name, "_ended")]])
  counted <- !is.na(data$time)
  usable <- arms$components > 0
  drawn <- list()
  for (a in arms$arm) if (any(counted & data$arm == a)) drawn[[a]] <- curve_of(data[counted & data$arm == a, ])
  last <- sapply(drawn, function(c) max(c$fit$time))
  horizon <- if (length(last)) min(horizon, last) else NA
  rows <- lapply(seq_len(nrow(arms)), function(i) {
    a <- arms$arm[i]
    own <- counted & data$arm == a
    uptake <- people$arm == a
    row <- list(arm = a, n = sum(own), events = sum(data$event[own]), rate = among(data$event, own), rate_at_end = among(data$event, own & data$ended == 1),
      uptake = if (usable[i]) among(people$uptake, uptake) else c(list(x = 0, n = 0), none()), too_early = 0)
    if (kind == "non_usage" && usable[i]) row$too_early <- sum(people[[paste0(name, "_too_early")]][uptake])
    c <- drawn[[a]]
    row$median <- if (is.null(c)) list(day = NA, lower = NA, upper = NA) else median_of(c$fit)
    row$rmst <- if (is.null(c)) list(value = NA, se = NA, lower = NA, upper = NA) else rmst_of(c$fit, horizon)
    row$curve <- if (is.null(c)) list() else c$rows
    row
  })
  out <- list(kind = kind, arms = rows)
  if (!is.null(variant)) out$variant <- variant
  present <- names(drawn)
  if (length(present) < 2) return(c(out, list(tests = NA)))
  compared <- data[counted, ]
  compared$arm <- factor(compared$arm, present)
  means <- lapply(drawn, function(c) rmst_of(c$fit, horizon))
  difference <- lapply(present[-1], function(a) c(list(arm = a, reference = present[1]), rmst_difference(means[[a]], means[[present[1]]])))
  out$tests <- list(logrank = logrank_of(compared), cox = cox_of(compared, present), rmst = difference)
  out
}

# ---- engagement --------------------------------------------------------------------------------------------------

tier <- function(x, n) ifelse(n <= 0, "not_reported", ifelse(4 * x >= 3 * n, "high", ifelse(2 * x >= n, "medium", "low")))
engagement <- function() {
  share <- as.numeric(parameter("throughout_share"))
  rows <- lapply(seq_len(nrow(arms)), function(i) {
    a <- arms$arm[i]
    own <- people[people$arm == a, ]
    row <- list(arm = a, participants = nrow(own), completion = among(own$completed, rep(TRUE, nrow(own))),
      completion_at_end = among(own$completed, own$completion_ended == 1))
    x <- own$periods_engaged; n <- own$periods_evaluable
    if (arms$components[i] == 0) return(row)
    row$participation <- participation(x, n)
    row$participation$tier <- tier(row$participation$x, row$participation$n)
    kept <- x[n > 0] >= share * n[n > 0] - 1e-9
    row$throughout <- rate(sum(kept), length(kept))
    row$throughout$tier <- tier(sum(kept), length(kept))
    row$tiers <- as.list(table(factor(tier(x, n), c("high", "medium", "low", "not_reported"))))
    whole <- periods[periods$arm == a & periods$scope == "whole", ]
    row$periods <- lapply(sort(unique(whole$period)), function(k) {
      part <- whole[whole$period == k & whole$evaluable == 1, ]
      list(period = k, engaged = sum(part$engaged), evaluable = nrow(part), rate = rate(sum(part$engaged), nrow(part)))
    })
    row
  })
  list(arms = rows)
}

# ---- outcomes ----------------------------------------------------------------------------------------------------

moments <- function(v) list(n = length(v), mean = if (length(v)) mean(v) else NA, sd = if (length(v) > 1) sd(v) else NA)
hedges <- function(a, b) { # standardised difference of two samples, a less b
  out <- list(g = NA, variance = NA, lower = NA, upper = NA)
  if (length(a) < 2 || length(b) < 2) return(out)
  df <- length(a) + length(b) - 2
  pooled <- sqrt(((length(a) - 1) * var(a) + (length(b) - 1) * var(b)) / df)
  if (pooled == 0) return(out)
  d <- (mean(a) - mean(b)) / pooled
  j <- 1 - 3 / (4 * df - 1)
  variance <- j^2 * ((length(a) + length(b)) / (length(a) * length(b)) + d^2 / (2 * (length(a) + length(b))))
  list(g = j * d, variance = variance, lower = j * d - z * sqrt(variance), upper = j * d + z * sqrt(variance))
}
outcomes <- function() {
  lapply(unique(measures$instrument), function(instrument) {
    own <- measures[measures$instrument == instrument, ]
    base <- own[own$baseline == 1, ]
    points <- lapply(unique(own$timepoint), function(timepoint) {
      at <- own[own$timepoint == timepoint, ]
      before <- base$score[match(at$participant, base$participant)]
      change <- if (at$baseline[1] == 1) rep(NA, nrow(at)) else at$score - before
      changes <- lapply(arms$arm, function(a) { v <- change[at$arm == a]; v[!is.na(v)] })
      rows <- lapply(seq_along(arms$arm), function(i) {
        part <- at[at$arm == arms$arm[i], ]
        c(list(arm = arms$arm[i], participants = nrow(part)), moments(part$score[!is.na(part$score)]),
          list(change = moments(changes[[i]]), due = sum(part$due), missing = rate(sum(part$due == 1 & part$submitted == 0), sum(part$due))))
      })
      between <- lapply(seq_along(arms$arm)[-1], function(i) c(list(arm = arms$arm[i], reference = arms$arm[1]), hedges(changes[[i]], changes[[1]])))
      list(timepoint = timepoint, arms = rows, between = between)
    })
    list(instrument = instrument, timepoints = points)
  })
}

# ---- writing -----------------------------------------------------------------------------------------------------

quoted <- function(s) {
  s <- gsub("\\", "\\\\", s, fixed = TRUE)
  paste0("\"", gsub("\"", "\\\"", s, fixed = TRUE), "\"")
}
json <- function(v) {
  if (is.list(v)) {
    parts <- vapply(v, json, "")
    if (is.null(names(v))) return(paste0("[", paste(parts, collapse = ","), "]"))
    return(paste0("{", paste(vapply(names(v), quoted, ""), parts, sep = ":", collapse = ","), "}"))
  }
  if (length(v) != 1 || is.na(v)) return("null")
  if (is.character(v)) quoted(v) else sprintf("%.17g", v)
}

result <- list(
  study = parameter("study"), definition = parameter("definition"), cutoff = parameter("cutoff"), as_of = parameter("as_of"),
  attrition = list(
    dropout = attrition("dropout", "dropout", NULL, as.numeric(parameter("dropout_horizon"))),
    non_usage = attrition("non_usage", "non_usage", "last_use", as.numeric(parameter("non_usage_horizon"))),
    first_lapse = attrition("first_lapse", "non_usage", "first_lapse", as.numeric(parameter("non_usage_horizon")))),
  engagement = engagement(),
  outcomes = list(assessments = outcomes()))
writeLines(json(result), output, useBytes = TRUE)
