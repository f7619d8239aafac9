{{/* The pod, the same under a StatefulSet and a Deployment. */}}
{{- define "litellm-otel-collector.pod" -}}
metadata:
  labels:
    {{- include "litellm-otel-collector.podLabels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "litellm-otel-collector.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "litellm-otel-collector.serviceAccountName" . | quote }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  containers:
    - name: collector
      image: {{ include "litellm-otel-collector.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      args:
        {{- range .Values.config.files }}
        - --config=/conf/{{ . }}.yaml
        {{- end }}
        {{- if .Values.config.extra }}
        - --config=/conf/extra.yaml
        {{- end }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        - name: LITELLM_OTELCOL_GRPC_ENDPOINT
          value: {{ printf "%s:4317" .Values.listenHost | quote }}
        - name: LITELLM_OTELCOL_HTTP_ENDPOINT
          value: {{ printf "%s:4318" .Values.listenHost | quote }}
        - name: LITELLM_OTELCOL_HEALTH_ENDPOINT
          value: {{ printf "%s:13133" .Values.listenHost | quote }}
        - name: LITELLM_OTELCOL_METRICS_HOST
          value: {{ .Values.listenHost | quote }}
        - name: LITELLM_OTELCOL_METRICS_PORT
          value: "8888"
        - name: LITELLM_OTELCOL_STORAGE_DIRECTORY
          value: /var/lib/otelcol-litellm
        {{- with include "litellm-otel-collector.gomemlimit" . }}
        - name: GOMEMLIMIT
          value: {{ . }}
        {{- end }}
        {{- with .Values.backends.prometheus.remoteWriteEndpoint }}
        - name: PROMETHEUS_REMOTE_WRITE_ENDPOINT
          value: {{ . | quote }}
        {{- end }}
        {{- with .Values.backends.loki.otlpEndpoint }}
        - name: LOKI_OTLP_ENDPOINT
          value: {{ . | quote }}
        {{- end }}
        {{- with .Values.backends.traces.otlpEndpoint }}
        - name: TRACES_OTLP_ENDPOINT
          value: {{ . | quote }}
        {{- end }}
        {{- with .Values.backends.traces.keepPercent | toString }}
        - name: TRACES_KEEP_PERCENT
          value: {{ . | quote }}
        {{- end }}
        {{- if .Values.auth.existingSecret.name }}
        - name: LITELLM_OTELCOL_TOKEN
          valueFrom:
            secretKeyRef:
              name: {{ .Values.auth.existingSecret.name | quote }}
              key: {{ .Values.auth.existingSecret.key | quote }}
        {{- end }}
        {{- if .Values.backends.datadog.existingSecret.name }}
        - name: DD_API_KEY
          valueFrom:
            secretKeyRef:
              name: {{ .Values.backends.datadog.existingSecret.name | quote }}
              key: {{ .Values.backends.datadog.existingSecret.key | quote }}
        - name: DD_SITE
          value: {{ .Values.backends.datadog.site | quote }}
        {{- with .Values.backends.datadog.otlpEndpoint }}
        - name: DD_OTLP_ENDPOINT
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: otlp-grpc, containerPort: 4317, protocol: TCP}
        - {name: otlp-http, containerPort: 4318, protocol: TCP}
        - {name: metrics, containerPort: 8888, protocol: TCP}
        - {name: health, containerPort: 13133, protocol: TCP}
      {{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
      {{- with get $.Values $probe }}
      {{ $probe }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- with .Values.preStopSleepSeconds }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ . }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /conf
          readOnly: true
        - name: queue
          mountPath: /var/lib/otelcol-litellm
        - name: tmp
          mountPath: /tmp
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "litellm-otel-collector.fullname" . | quote }}
    - name: tmp
      emptyDir: {}
    {{- if eq .Values.mode "deployment" }}
    - name: queue
      emptyDir:
        sizeLimit: {{ .Values.persistence.size | quote }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if .Values.topologySpreadConstraints }}
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "litellm-otel-collector.selectorLabels" $ | nindent 10 }}
    {{- end }}
    {{- end }}
{{- end }}
