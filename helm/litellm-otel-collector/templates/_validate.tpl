{{/* What a schema can't say, one clear line each. */}}
{{- define "litellm-otel-collector.validate" -}}
{{- range .Values.config.files }}
{{- if not ($.Files.Get (printf "files/config/%s.yaml" .)) }}
{{- fail (printf "config.files: there is no configuration %q in this chart" .) }}
{{- end }}
{{- end }}
{{- if not (has "base" .Values.config.files) }}
{{- fail "config.files: \"base\" is missing; the receivers and the health check are in it" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (lt (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.minReplicas)) }}
{{- fail (printf "autoscaling.maxReplicas: %d is below autoscaling.minReplicas, %d" (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.minReplicas)) }}
{{- end }}
{{- if and .Values.autoscaling.enabled .Values.autoscaling.targetCPUUtilizationPercentage (not (.Values.resources.requests).cpu) }}
{{- fail "autoscaling.targetCPUUtilizationPercentage: needs resources.requests.cpu to be a share of" }}
{{- end }}
{{- if and .Values.autoscaling.enabled .Values.autoscaling.targetMemoryUtilizationPercentage (not (.Values.resources.requests).memory) }}
{{- fail "autoscaling.targetMemoryUtilizationPercentage: needs resources.requests.memory to be a share of" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not .Values.autoscaling.targetCPUUtilizationPercentage) (not .Values.autoscaling.targetMemoryUtilizationPercentage) }}
{{- fail "autoscaling.enabled: needs targetCPUUtilizationPercentage or targetMemoryUtilizationPercentage above 0" }}
{{- end }}
{{- end }}
