{{- define "lighterman.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "lighterman.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "lighterman.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "lighterman.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "lighterman.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lighterman.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lighterman.labels" -}}
{{ include "lighterman.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "lighterman.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lighterman.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "lighterman.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* postgres is "true" when the queue lives in PostgreSQL, else empty. */}}
{{- define "lighterman.postgres" -}}
{{- if or .Values.database.url .Values.database.secretName -}}true{{- end -}}
{{- end -}}

{{/* many is "true" when there may be more than one pod, else empty. */}}
{{- define "lighterman.many" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) -}}true{{- end -}}
{{- end -}}

{{- define "lighterman.githubSecret" -}}
{{- default (include "lighterman.fullname" .) .Values.github.secretName -}}
{{- end -}}

{{- define "lighterman.databaseSecret" -}}
{{- default (include "lighterman.fullname" .) .Values.database.secretName -}}
{{- end -}}

{{/* admin is "true" when a token opens the admin page, else empty. */}}
{{- define "lighterman.admin" -}}
{{- if or .Values.admin.token .Values.admin.secretName -}}true{{- end -}}
{{- end -}}

{{- define "lighterman.adminSecret" -}}
{{- default (include "lighterman.fullname" .) .Values.admin.secretName -}}
{{- end -}}

{{/* validate refuses what could not work, before anything is installed. */}}
{{- define "lighterman.validate" -}}
{{- $github := .Values.github -}}
{{- $postgres := include "lighterman.postgres" . -}}
{{- if and (not $postgres) (gt (int .Values.replicas) 1) -}}
{{- fail (printf "replicas is %d, but an SQLite database belongs to one process: set database.secretName or database.url to use PostgreSQL, or replicas to 1" (int .Values.replicas)) -}}
{{- end -}}
{{- if and (not $postgres) .Values.autoscaling.enabled -}}
{{- fail "autoscaling.enabled is set, but an SQLite database belongs to one process: set database.secretName or database.url to use PostgreSQL" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.database.url .Values.database.secretName -}}
{{- fail "database.url and database.secretName are both set; one is enough" -}}
{{- end -}}
{{- if and .Values.admin.token .Values.admin.secretName -}}
{{- fail "admin.token and admin.secretName are both set; one is enough" -}}
{{- end -}}
{{- if and $github.secretName (or $github.privateKey $github.webhookSecret) -}}
{{- fail "github.secretName is set, and github.privateKey or github.webhookSecret too; one of both is enough" -}}
{{- end -}}
{{- if and $github.appId (not $github.secretName) (not (and $github.privateKey $github.webhookSecret)) -}}
{{- fail "github.appId is set without the App's secrets: set github.secretName, or github.privateKey and github.webhookSecret" -}}
{{- end -}}
{{- if and (not $github.appId) (or $github.secretName $github.privateKey $github.webhookSecret) -}}
{{- fail "the App's secrets are set without github.appId: it is the number on the App's settings page" -}}
{{- end -}}
{{- if and $postgres (not $github.appId) -}}
{{- fail "with PostgreSQL github.appId must be set: the set-up page keeps what it gets in the volume of one pod. Set the App up with SQLite, or register it by hand" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled is set without ingress.host" -}}
{{- end -}}
{{- end -}}

{{- define "lighterman.env" -}}
- name: LIGHTERMAN_ADDR
  value: ":8080"
- name: LIGHTERMAN_DATA_DIR
  value: /data
- name: LIGHTERMAN_LINGER
  value: {{ .Values.linger | quote }}
- name: LIGHTERMAN_GITHUB_URL
  value: {{ .Values.github.url | quote }}
{{- with .Values.github.publicUrl }}
- name: LIGHTERMAN_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.github.appId }}
- name: LIGHTERMAN_APP_ID
  value: {{ int64 . | quote }}
- name: LIGHTERMAN_PRIVATE_KEY_FILE
  value: /secrets/github/private-key
- name: LIGHTERMAN_WEBHOOK_SECRET_FILE
  value: /secrets/github/webhook-secret
{{- end }}
{{- if include "lighterman.postgres" . }}
- name: LIGHTERMAN_DATABASE_URL_FILE
  value: /secrets/database/url
{{- end }}
{{- if include "lighterman.admin" . }}
- name: LIGHTERMAN_ADMIN_TOKEN_FILE
  value: /secrets/admin/token
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: LIGHTERMAN_{{ $name | upper | replace "-" "_" }}
  value: {{ if kindIs "float64" $value }}{{ int64 $value | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "lighterman.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.github.appId }}
- name: github
  secret:
    secretName: {{ include "lighterman.githubSecret" . }}
    defaultMode: 0440
    items:
      - {key: private-key, path: private-key}
      - {key: webhook-secret, path: webhook-secret}
{{- end }}
{{- if include "lighterman.admin" . }}
- name: admin
  secret:
    secretName: {{ include "lighterman.adminSecret" . }}
    defaultMode: 0440
    items:
      - {key: {{ if .Values.admin.secretName }}{{ .Values.admin.secretKey }}{{ else }}admin-token{{ end }}, path: token}
{{- end }}
{{- if include "lighterman.postgres" . }}
- name: database
  secret:
    secretName: {{ include "lighterman.databaseSecret" . }}
    defaultMode: 0440
    items:
      - {key: {{ if .Values.database.secretName }}{{ .Values.database.secretKey }}{{ else }}database-url{{ end }}, path: url}
- name: data
  emptyDir: {}
{{- else if .Values.persistence.existingClaim }}
- name: data
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim }}
{{- else if not .Values.persistence.enabled }}
- name: data
  emptyDir: {}
{{- end }}
{{- end -}}

{{- define "lighterman.pod" -}}
metadata:
  labels:
    {{- include "lighterman.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/secret: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "lighterman.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
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
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if include "lighterman.many" . }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "lighterman.selectorLabels" . | nindent 10 }}
  {{- end }}
  containers:
    - name: lighterman
      image: {{ include "lighterman.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      env:
        {{- include "lighterman.env" . | nindent 8 }}
      ports:
        - name: http
          containerPort: 8080
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        {{- if .Values.github.appId }}
        - {name: github, mountPath: /secrets/github, readOnly: true}
        {{- end }}
        {{- if include "lighterman.admin" . }}
        - {name: admin, mountPath: /secrets/admin, readOnly: true}
        {{- end }}
        {{- if include "lighterman.postgres" . }}
        - {name: database, mountPath: /secrets/database, readOnly: true}
        {{- end }}
  volumes:
    {{- include "lighterman.volumes" . | nindent 4 }}
{{- end -}}
