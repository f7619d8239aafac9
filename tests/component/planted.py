"""Strings that must never leave the process, each as it looks in life, and where it is put. All made up."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

PEM = (
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n"
    "AgEAAoIBAQC7VJTUt9Us8cKjPlantedPrivateKey\n-----END PRIVATE KEY-----\n"
)
SERVICE_ACCOUNT = json.dumps(
    {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0plantedid",
        "private_key": PEM,
        "client_email": "robot@project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
)


@dataclass(frozen=True)
class Plant:
    """A secret and how it comes into a call."""

    name: str
    secret: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments of the call that carry it."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    model: str = ""
    """The model asked for, where that is what carries it."""


def _argument(name: str, argument: str, secret: str) -> Plant:
    return Plant(name, secret, {argument: secret})


PLANTS: tuple[Plant, ...] = (
    _argument("OpenAI key", "api_key", "sk-proj-Qw3rTy7uIoP2aSdFgHjKlZx9CvBnM"),
    _argument("Anthropic key", "api_key", "sk-ant-api03-Pl4nt3d-Zz11Yy22Xx33Ww44Vv55"),
    _argument("Azure key", "api_key", "9f86d081884c7d659a2feaa0c55ad015"),
    _argument("key without a shape", "api_key", "correct horse battery staple"),
    _argument("Azure AD token", "azure_ad_token", "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRwcyJ9.c2lnbmVk"),
    _argument("Azure client secret", "client_secret", "8Q~Pl4nt3dClientSecretOfAnApp"),
    _argument("Azure password", "azure_password", "P@ssw0rd!ofAzure"),
    _argument("AWS access key", "aws_access_key_id", "AKIAIOSFODNN7PLANTED"),
    _argument(
        "AWS secret key", "aws_secret_access_key", "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"
    ),
    _argument(
        "AWS session token", "aws_session_token", "FwoGZXIvYXdzEBYaDPl4nt3dTokenOfASession=="
    ),
    _argument("AWS web identity", "aws_web_identity_token", "oidc-planted-web-identity-token-0001"),
    Plant("Vertex private key", PEM.splitlines()[1], {"vertex_credentials": SERVICE_ACCOUNT}),
    Plant(
        "Vertex private key, as a dict",
        PEM.splitlines()[2],
        {"vertex_credentials": json.loads(SERVICE_ACCOUNT)},
    ),
    _argument("watsonx token", "token", "wx-planted-iam-token-0123456789"),
    _argument("Databricks secret", "oci_key", "oci-planted-private-key-0123"),
    Plant(
        "header: Authorization",
        "plantedbearer.0123456789.abcdef",
        {"extra_headers": {"Authorization": "Bearer plantedbearer.0123456789.abcdef"}},
    ),
    Plant(
        "header: Basic",
        "dXNlcjpwbGFudGVkcGFzc3dvcmQ=",
        {"headers": {"Authorization": "Basic dXNlcjpwbGFudGVkcGFzc3dvcmQ="}},
    ),
    Plant(
        "header: x-api-key",
        "planted-x-api-key-0042",
        {"extra_headers": {"x-api-key": "planted-x-api-key-0042"}},
    ),
    Plant(
        "header of one's own",
        "planted-tenant-header-17",
        {"headers": {"X-Tenant": "planted-tenant-header-17"}},
    ),
    Plant(
        "header: Cookie",
        "planted-session-cookie-99",
        {"extra_headers": {"Cookie": "sid=planted-session-cookie-99"}},
    ),
    Plant(
        "MCP header", "planted-mcp-auth-header-5", {"mcp_auth_header": "planted-mcp-auth-header-5"}
    ),
    Plant(
        "MCP server's headers",
        "planted-mcp-server-bearer",
        {"mcp_server_auth_headers": {"git": {"Authorization": "Bearer planted-mcp-server-bearer"}}},
    ),
    Plant(
        "extra body",
        "planted-extra-body-secret",
        {"extra_body": {"client_secret": "planted-extra-body-secret"}},
    ),
    Plant("URL: key", "plantedKeyInUrl01", {"query": "?key=plantedKeyInUrl01"}),
    Plant(
        "URL: sig",
        "plantedSigInUrl%2B02%3D",
        {"query": "?sv=2024-05-04&sig=plantedSigInUrl%2B02%3D&se=2027"},
    ),
    Plant(
        "URL: API key",
        "plantedApiKeyInUrl3",
        {"query": "?api-version=2024-10-21&api_key=plantedApiKeyInUrl3"},
    ),
    Plant("URL: password", "plantedUrlPassw0rd", {"user_of_url": "user:plantedUrlPassw0rd@"}),
    Plant(
        "metadata of the caller",
        "planted-patient-number-774",
        {"metadata": {"patient": "planted-patient-number-774"}},
    ),
    Plant(
        "requester's metadata",
        "planted-requester-metadata",
        {"metadata": {"requester_metadata": {"note": "planted-requester-metadata"}}},
    ),
    Plant(
        "client's headers",
        "planted-client-authorization",
        {"metadata": {"headers": {"authorization": "Bearer planted-client-authorization"}}},
    ),
    Plant(
        "previous models",
        "sk-planted-previous-model-key",
        {"metadata": {"previous_models": [{"api_key": "sk-planted-previous-model-key"}]}},
    ),
    Plant(
        "request as the proxy got it",
        "planted-proxied-header-08",
        {"proxy_server_request": {"headers": {"x-goog-api-key": "planted-proxied-header-08"}}},
    ),
    _argument("Langfuse secret", "langfuse_secret_key", "sk-lf-planted-0123-4567-89ab"),
    _argument("Langfuse secret, other name", "langfuse_secret", "sk-lf-planted-ffff-eeee-dddd"),
    _argument("LangSmith key", "langsmith_api_key", "lsv2_pt_planted0123456789abcdef"),
    _argument("Arize key", "arize_api_key", "planted-arize-key-31337"),
    _argument("Slack webhook", "slack_webhook_token", "xoxb-123456789012-plantedslack"),
    Plant(
        "key of another deployment",
        "sk-planted-fallback-key-0001",
        {
            "litellm_credential_list": [
                {"credential_values": {"api_key": "sk-planted-fallback-key-0001"}}
            ]
        },
    ),
    Plant(
        "environment: OPENAI_API_KEY",
        "planted environment key 01",
        environment={"OPENAI_API_KEY": "planted environment key 01"},
    ),
    Plant(
        "environment: OTLP headers",
        "planted-otlp-header-token",
        environment={"OTEL_EXPORTER_OTLP_HEADERS": "api-key=planted-otlp-header-token"},
    ),
    Plant(
        "environment: database",
        "plantedDbPassw0rd",
        environment={"DATABASE_URL": "postgresql://litellm:plantedDbPassw0rd@db:5432/litellm"},
    ),
    Plant(
        "model: URL",
        "plantedModelUrlPw",
        model="hosted_vllm/https://user:plantedModelUrlPw@host.example/m",
    ),
    Plant(
        "model: URL query",
        "plantedModelToken",
        model="hosted_vllm/https://host.example/m?token=plantedModelToken",
    ),
    Plant(
        "model: a key by mistake",
        "sk-plantedInsteadOfAModel01",
        model="hosted_vllm/sk-plantedInsteadOfAModel01",
    ),
)

SHAPES: Mapping[str, Callable[[str], str]] = {
    "a sentence": lambda secret: f"Incorrect API key provided: {secret}. See your account.",
    "JSON": lambda secret: json.dumps({"error": {"message": f"refused {secret}", "given": secret}}),
    "a URL": lambda secret: f"POST https://host.example/v1?q={quote(secret, safe='')}&alt=sse: 403",
    "headers": lambda secret: repr({"host": "host.example", "x-given": secret}),
    "lines": lambda secret: (
        f"upstream said:\n  user-agent: x\n  x-custom: {secret}\n  accept: */*\n"
    ),
    "base64": lambda secret: f"bad credentials {base64.b64encode(secret.encode()).decode()}",
}
"""How a provider's error repeats what it was sent."""
