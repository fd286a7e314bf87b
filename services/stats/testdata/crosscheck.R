# Analyses the trials of a folder with R's survival package and base R, and
# prints one line per figure: trial, name, arm, index, value (17 digits, NA for
# what R does not give). Usage: Rscript crosscheck.R FOLDER
#
#   trials.csv    trial,time,status,arm,stratum   (arm and stratum from 0; stratum -1: not known)
#   endings.csv   trial,time,cause                (0: censored)
#   clusters.csv  trial,x,n
#   studies.csv   trial,x,n
#   values.csv    trial,value
suppressPackageStartupMessages(library(survival))
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) read.csv(file.path(folder, name))
emit <- function(trial, name, arm, values) {
  values <- as.numeric(values)
  if (length(values) == 0) return(invisible())
  text <- ifelse(is.finite(values), sprintf("%.17g", values), "NA")
  cat(sprintf("%d,%s,%d,%d,%s\n", trial, name, arm, seq_along(values) - 1L, text), sep = "")
}
quietly <- function(expr) suppressWarnings(tryCatch(expr, error = function(e) NULL))

curves <- function(id, data, arms) {
  horizon <- min(tapply(data$time, data$arm, max))
  for (arm in arms) {
    part <- data[data$arm == arm, ]
    for (conf in c("log-log", "log", "plain")) {
      fit <- survfit(Surv(time, status) ~ 1, data = part, conf.type = conf)
      if (conf == "log-log") {
        emit(id, "time", arm, fit$time)
        emit(id, "at_risk", arm, fit$n.risk)
        emit(id, "survival", arm, fit$surv)
        emit(id, "se", arm, ifelse(fit$surv > 0, fit$surv * fit$std.err, NA))
        emit(id, "hazard", arm, fit$cumhaz)
        emit(id, "hazard_se", arm, fit$std.chaz)
      }
      inside <- fit$surv > 0 & fit$surv < 1
      emit(id, paste0("lower_", conf), arm, ifelse(inside, fit$lower, NA))
      emit(id, paste0("upper_", conf), arm, ifelse(inside, fit$upper, NA))
      table <- summary(fit)$table
      emit(id, paste0("median_", conf), arm, table[c("median", "0.95LCL", "0.95UCL")])
    }
    # Undefined at horizon 0; R refuses one before the first time, where S is 1.
    mean <- if (horizon == 0) c(NA, NA)
      else if (horizon <= min(fit$time)) c(horizon, 0)
      else summary(fit, rmean = horizon)$table[c("rmean", "se(rmean)")]
    emit(id, "rmst", arm, mean)
    back <- survfit(Surv(time, 1 - status) ~ 1, data = part)
    emit(id, "follow_up", arm, summary(back)$table["median"])
  }
}

# The weighted test is written out, as survdiff has only powers of survival.
weighted <- function(data, weight) {
  arms <- sort(unique(data$arm))
  times <- sort(unique(data$time[data$status == 1]))
  score <- rep(0, length(arms)); v <- matrix(0, length(arms), length(arms)); expected <- score; peto <- 1
  for (t in times) {
    n <- sapply(arms, function(a) sum(data$time >= t & data$arm == a))
    d <- sapply(arms, function(a) sum(data$time == t & data$status == 1 & data$arm == a))
    peto <- peto * (1 - sum(d) / (sum(n) + 1))
    w <- switch(weight, gehan_breslow = sum(n), tarone_ware = sqrt(sum(n)), peto = peto)
    p <- n / sum(n)
    score <- score + w * (d - sum(d) * p); expected <- expected + w * sum(d) * p
    if (sum(n) > 1) v <- v + w^2 * sum(d) * (sum(n) - sum(d)) / (sum(n) - 1) * (diag(p, length(p)) - outer(p, p))
  }
  keep <- which(expected > 0)[-1]
  if (length(keep) == 0) return(NA)
  sum(solve(v[keep, keep, drop = FALSE], score[keep]) * score[keep])
}

tests <- function(id, data) {
  data$group <- factor(data$arm)
  chisq <- function(name, fit) {
    expected <- if (is.null(fit)) 0 else if (is.matrix(fit$exp)) rowSums(fit$exp) else fit$exp
    df <- sum(expected > 0) - 1
    if (df < 1 || !is.finite(fit$chisq)) return(emit(id, name, 0L, c(NA, NA, NA)))
    emit(id, name, 0L, c(fit$chisq, df, pchisq(fit$chisq, df, lower.tail = FALSE)))
  }
  chisq("logrank", quietly(survdiff(Surv(time, status) ~ group, data = data)))
  chisq("fh", quietly(survdiff(Surv(time, status) ~ group, data = data, rho = 1)))
  chisq("fh_half", quietly(survdiff(Surv(time, status) ~ group, data = data, rho = 0.5)))
  known <- data[data$stratum >= 0, ]
  chisq("stratified", quietly(survdiff(Surv(time, status) ~ group + strata(stratum), data = known)))
  for (weight in c("gehan_breslow", "tarone_ware", "peto")) {
    value <- quietly(weighted(data, weight))
    emit(id, weight, 0L, if (is.null(value)) NA else value)
  }
  control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 200)
  cox <- function(name, formula, data, ties) {
    fit <- quietly(coxph(formula, data = data, ties = ties, control = control))
    if (is.null(fit)) return(invisible())
    emit(id, paste0(name, "_coef"), 0L, coef(fit))
    emit(id, paste0(name, "_se"), 0L, sqrt(diag(vcov(fit))))
  }
  cox("efron", Surv(time, status) ~ group, data, "efron")
  cox("breslow", Surv(time, status) ~ group, data, "breslow")
  cox("cox_stratified", Surv(time, status) ~ group + strata(stratum), known, "efron")
}

competing <- function(id, data) {
  data$end <- factor(data$cause, 0:2)
  fit <- survfit(Surv(time, end) ~ 1, data = data)
  column <- function(m, k) m[, match(as.character(k), fit$states)]
  for (k in 1:2) {
    emit(id, "incidence", k, column(fit$pstate, k))
    emit(id, "incidence_se", k, column(fit$std.err, k))
  }
}

proportions <- function(id, data) {
  x <- sum(data$x); n <- sum(data$n)
  emit(id, "wilson", 0L, suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int))
  long <- data.frame(cluster = factor(rep(seq_len(nrow(data)), data$n)),
                     y = unlist(Map(function(x, n) rep(c(1, 0), c(x, n - x)), data$x, data$n)))
  if (nlevels(long$cluster) < 2 || nlevels(long$cluster) == nrow(long) || x == 0 || x == n) return(invisible())
  ms <- quietly(anova(lm(y ~ cluster, data = long))[["Mean Sq"]])
  k <- nrow(data); n0 <- (n - sum(data$n^2) / n) / (k - 1)
  icc <- (ms[1] - ms[2]) / (ms[1] + (n0 - 1) * ms[2])
  emit(id, "icc", 0L, icc)
  emit(id, "design_effect", 0L, sum(data$n * (1 + (data$n - 1) * max(0, icc))) / n)
}

pooled <- function(id, data) {
  edge <- data$x == 0 | data$x == data$n
  x <- data$x + 0.5 * edge; rest <- data$n - data$x + 0.5 * edge
  y <- qlogis(x / (x + rest)); v <- 1 / x + 1 / rest; k <- length(y)
  fixed <- lm(y ~ 1, weights = 1 / v)
  q <- sum((y - coef(fixed))^2 / v)
  tau2 <- max(0, (q - (k - 1)) / (sum(1 / v) - sum(1 / v^2) / sum(1 / v)))
  w <- 1 / (v + tau2); mu <- weighted.mean(y, w)
  se <- sqrt(max(1, sum(w * (y - mu)^2) / (k - 1)) / sum(w))
  emit(id, "pooled", 0L, plogis(mu + c(0, -1, 1) * qt(0.975, k - 1) * se))
  emit(id, "tau2", 0L, c(tau2, q, max(0, (q - (k - 1)) / q)))
  if (k >= 3) emit(id, "prediction", 0L, plogis(mu + c(-1, 1) * qt(0.975, k - 2) * sqrt(tau2 + se^2)))
}

described <- function(id, data) {
  emit(id, "quantiles", 0L, quantile(data$value, c(0, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1), type = 7))
  emit(id, "mean_sd", 0L, c(mean(data$value), sd(data$value)))
}

for (data in split(read("trials.csv"), ~trial)) {
  id <- data$trial[1]
  curves(id, data, sort(unique(data$arm)))
  tests(id, data)
}
for (data in split(read("endings.csv"), ~trial)) competing(data$trial[1], data)
for (data in split(read("clusters.csv"), ~trial)) proportions(data$trial[1], data)
for (data in split(read("studies.csv"), ~trial)) pooled(data$trial[1], data)
for (data in split(read("values.csv"), ~trial)) described(data$trial[1], data)
