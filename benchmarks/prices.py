"""AWS's list prices, in dollars, for us-east-1 without free tiers.

Source: the pricing pages of Lambda, API Gateway, DynamoDB, SQS and CloudWatch.
"""

from __future__ import annotations

from typing import Final

#: When the pages said so.
DATE: Final = "December 2025"
MILLION: Final = 1_000_000

API_GATEWAY_REQUEST: Final = 3.50 / MILLION
LAMBDA_REQUEST: Final = 0.20 / MILLION
LAMBDA_GB_SECOND: Final = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
DYNAMODB_WRITE_UNIT: Final = 0.625 / MILLION
DYNAMODB_READ_UNIT: Final = 0.125 / MILLION
SQS_REQUEST: Final = 0.40 / MILLION
LOGS_GB: Final = 0.50
METRIC_MONTH: Final = 0.30
ALARM_MONTH: Final = 0.10
GB: Final = 1e9
