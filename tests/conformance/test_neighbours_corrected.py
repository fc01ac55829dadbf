"""What neighbours answer otherwise than AWS is put right on the way out."""

import json
import uuid
from contextlib import closing

import pytest
from botocore.exceptions import ClientError

from tests.running import StokerProcess


def test_tables_are_described_as_by_aws(server: StokerProcess) -> None:
    name = f"n-{uuid.uuid4().hex[:12]}"
    key = [{"AttributeName": "k", "KeyType": "HASH"}]
    index = {"IndexName": "by-k", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
    with closing(server.client("dynamodb")) as dynamodb:
        made = dynamodb.create_table(
            TableName=name, KeySchema=key, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )["TableDescription"]  # fmt: skip
        assert made.keys().isdisjoint(
            {"GlobalSecondaryIndexes", "LocalSecondaryIndexes", "WarmThroughput"}
        )
        assert made["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
        changed = dynamodb.update_table(
            TableName=name, GlobalSecondaryIndexUpdates=[{"Create": index}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )["TableDescription"]  # fmt: skip
        found = dynamodb.describe_table(TableName=name)["Table"]
    assert len({made["TableId"], changed["TableId"], found["TableId"]}) == 1
    assert "WarmThroughput" not in changed
    assert found["WarmThroughput"]["Status"] == "ACTIVE"
    (told,) = found["GlobalSecondaryIndexes"]
    assert told["IndexArn"] == f"{found['TableArn']}/index/by-k"
    assert (told["ItemCount"], told["IndexSizeBytes"]) == (0, 0)


def test_parameters_are_told_of_as_by_aws(server: StokerProcess) -> None:
    name = f"/{uuid.uuid4().hex[:12]}/p"
    with closing(server.client("ssm")) as ssm:
        for value in ("first", "second"):
            ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        hidden = ssm.get_parameter(Name=name)["Parameter"]
        assert "second" not in hidden["Value"] and hidden["Value"].startswith("AQICAH")
        assert hidden["Value"] == ssm.get_parameters(Names=[name])["Parameters"][0]["Value"]
        assert "Selector" not in hidden
        shown = ssm.get_parameter(Name=f"{name}:1", WithDecryption=True)["Parameter"]
        assert (shown["Value"], shown["Selector"], shown["Version"]) == ("first", ":1", 1)
        by_arn = ssm.get_parameter(Name=shown["ARN"], WithDecryption=True)["Parameter"]
        assert by_arn["Value"] == "second" and "Selector" not in by_arn
        wanted = [{"Key": "Name", "Values": [name]}]
        [told] = ssm.describe_parameters(ParameterFilters=wanted)["Parameters"]
        assert told["ARN"] == hidden["ARN"] and told["Policies"] == []
        assert told["LastModifiedUser"] == "arn:aws:iam::000000000000:root"
        history = ssm.get_parameter_history(Name=name, WithDecryption=True)["Parameters"]
        assert [one["Value"] for one in history] == ["first", "second"]


def test_secrets_say_what_lacks_of_them_as_by_aws(server: StokerProcess) -> None:
    name = f"s-{uuid.uuid4().hex[:12]}"
    with closing(server.client("secretsmanager")) as secrets:
        made = secrets.create_secret(Name=name, SecretString="x")
        secrets.put_secret_value(SecretId=name, SecretString="y")
        listed = secrets.list_secret_version_ids(SecretId=name)
        assert (listed["ARN"], listed["Name"]) == (made["ARN"], name)
        assert "NextToken" not in listed
        stages = {one["VersionId"]: one["VersionStages"] for one in listed["Versions"]}
        assert stages[made["VersionId"]] == ["AWSPREVIOUS"] and len(stages) == 2
        with pytest.raises(ClientError, match="secret value for staging label: MINE"):
            secrets.get_secret_value(SecretId=name, VersionStage="MINE")
        for ask in (secrets.get_secret_value, secrets.list_secret_version_ids):
            with pytest.raises(ClientError, match="can't find the specified secret"):
                ask(SecretId=f"{name}-not")
        secrets.delete_secret(SecretId=name)
        with pytest.raises(ClientError, match="because it was marked for deletion"):
            secrets.get_secret_value(SecretId=name)


def test_state_machines_are_described_as_by_aws(server: StokerProcess) -> None:
    states = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    with closing(server.client("stepfunctions")) as machines:
        arn = machines.create_state_machine(
            name=f"m-{uuid.uuid4().hex[:12]}", definition=json.dumps(states),
            roleArn="arn:aws:iam::000000000000:role/r",
        )["stateMachineArn"]  # fmt: skip
        told = machines.describe_state_machine(stateMachineArn=arn)
        assert told["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}


def test_a_document_without_a_version_is_one_of_2008_where_aws_takes_these(
    server: StokerProcess,
) -> None:
    """AWS: everywhere but in managed policies."""
    name = f"r-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    may = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    old: dict[str, str]
    with closing(server.client("iam")) as iam:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": trust}))
        for old in ({}, {"Version": "2008-10-17"}):
            text = json.dumps({**old, "Statement": [may]})
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=text)
            found = iam.get_role_policy(RoleName=name, PolicyName="p")["PolicyDocument"]
            assert found == json.loads(text)
            iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=json.dumps({**old, "Statement": [trust]})
            )
            with pytest.raises(ClientError, match="must be version 2012-10-17 or greater"):
                iam.create_policy(PolicyName=f"m-{name}", PolicyDocument=text)
        for strange in ("2010-01-01", 2012, None):
            text = json.dumps({"Version": strange, "Statement": [may]})
            with pytest.raises(ClientError, match="Syntax errors in policy"):
                iam.put_role_policy(RoleName=name, PolicyName="q", PolicyDocument=text)
        iam.delete_role_policy(RoleName=name, PolicyName="p")
        iam.delete_role(RoleName=name)
