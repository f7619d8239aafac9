{{- define "litellm-otel-collector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for what is hung on it: "-headless" and a StatefulSet's ordinal and revision. */}}
{{- define "litellm-otel-collector.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "litellm-otel-collector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "litellm-otel-collector.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: collector
{{- end }}

{{/* Without the chart's version, which would restart the pods at every release of the chart. */}}
{{- define "litellm-otel-collector.podLabels" -}}
{{ include "litellm-otel-collector.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "litellm-otel-collector.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "litellm-otel-collector.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "litellm-otel-collector.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "litellm-otel-collector.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "litellm-otel-collector.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "litellm-otel-collector.kind" -}}
{{- eq .Values.mode "statefulset" | ternary "StatefulSet" "Deployment" }}
{{- end }}

{{/* The share of the memory limit, in MiB, or nothing without a limit. */}}
{{- define "litellm-otel-collector.gomemlimit" -}}
{{- with (.Values.resources.limits).memory }}
{{- $text := toString . }}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $number := regexFind "^[0-9]+(\\.[0-9]+)?([eE][0-9]+)?" $text }}
{{- $unit := trimPrefix $number $text }}
{{- if or (not $number) (not (hasKey $units $unit)) }}
{{- fail (printf "resources.limits.memory: %q is not a quantity this chart reads; write it as 1Gi or 512Mi" $text) }}
{{- end }}
{{- $bytes := mulf (float64 $number) (float64 (get $units $unit)) }}
{{- printf "%dMiB" (int64 (divf (mulf $bytes (float64 $.Values.gomemlimitPercent)) 104857600)) }}
{{- end }}
{{- end }}

{{/* The collector's configurations, a key a file; what the pods restart for when it changes. */}}
{{- define "litellm-otel-collector.config" -}}
{{- range .Values.config.files }}
{{ . }}.yaml: |-
  {{- $.Files.Get (printf "files/config/%s.yaml" .) | trimSuffix "\n" | nindent 2 }}
{{- end }}
{{- with .Values.config.extra }}
extra.yaml: |-
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
