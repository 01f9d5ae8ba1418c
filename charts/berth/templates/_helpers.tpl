{{- define "berth.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Of one process: (dict "root" $ "name" "gateway") */}}
{{- define "berth.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "berth.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "berth.passwords" -}}
{{ .Values.passwordsSecret | default (printf "%s-passwords" .Release.Name) }}
{{- end -}}

{{- define "berth.node" -}}
kubernetes.io/hostname: {{ required "node: the one that all pods run on, by its label kubernetes.io/hostname" .Values.node | quote }}
{{- end -}}

{{/* The node's folders, and the password of one bus user alone: (dict "root" $ "name" "gateway") */}}
{{- define "berth.volumes" -}}
- name: data
  hostPath:
    path: {{ .root.Values.hostPaths.data }}
    type: DirectoryOrCreate
- name: run
  hostPath:
    path: {{ .root.Values.hostPaths.run }}
    type: DirectoryOrCreate
- name: password
  secret:
    secretName: {{ include "berth.passwords" .root }}
    defaultMode: 0440
    items:
      - key: {{ .name }}
        path: {{ .name }}
{{- end -}}

{{/* At the same paths as on the node: services tell each other paths of sockets and files. */}}
{{- define "berth.mounts" -}}
- name: data
  mountPath: {{ .Values.hostPaths.data }}
- name: run
  mountPath: {{ .Values.hostPaths.run }}
- name: password
  mountPath: {{ .Values.hostPaths.data }}/secrets
  readOnly: true
{{- end -}}
