"""Where a stage is: what the wildcards of its policies stand for."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

#: The policies in `.chalice/` name a stage's resources, in any account and region.
_ANYWHERE: Final = re.compile(r"arn:aws:(\w+):\*:\*:(.+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AwsLocation:
    """One partition, region and account, or CloudFormation's words for wherever it deploys."""

    partition: str
    region: str
    account: str

    def named_in(self, document: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a policy that names this location where it had wildcards."""
        if isinstance(document, dict):
            return {key: self.named_in(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.named_in(value) for value in document]
        found = _ANYWHERE.fullmatch(document) if isinstance(document, str) else None
        if found is None:
            return document
        arn = f"arn:{self.partition}:{found[1]}:{self.region}:{self.account}:{found[2]}"
        return {"Fn::Sub": arn} if "${" in arn else arn


#: Wherever CloudFormation deploys ("Pseudo parameters reference", CloudFormation guide).
ANY_LOCATION: Final = AwsLocation(
    partition="${AWS::Partition}", region="${AWS::Region}", account="${AWS::AccountId}"
)


def location_of_arn(arn: str) -> AwsLocation:
    """Return where a resource is."""
    _, partition, _, region, account, *_ = arn.split(":")
    return AwsLocation(partition=partition, region=region, account=account)
