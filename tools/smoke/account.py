"""What only a real account shows: steps that look at a stack from beside its API."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.smoke.calls import ok, remember
from tools.smoke.client import Client
from tools.smoke.steps import LeftOutError, Run, expect, step

_CALLS_AT_ONCE = 20
_JOBS_AT_ONCE = 3
_LATENESS = 30.0  # seconds after which what was logged can be found


@step("it deploys")
def it_deploys(run: Run) -> str:
    """Ask CloudFormation whether the stack stands."""
    status = run.deployed.status
    expect(status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"), status)
    return status


@step("nobody gets in unsigned")
def unsigned(run: Run) -> str:
    """401, with Orthanc's body."""
    stack = run.deployed
    answer = ok(Client(run.client.url, transport=run.client.transport).get("/system"), 401)
    expect(answer.json["HttpStatus"] == 401, f"{answer.body[:200]!r}")  # noqa: PLR2004
    return f"401 at {stack.outputs['ApiUrl']}"


@step("nobody gets in without permission")
def without_permission(run: Run) -> str:
    """403 for a principal that may do anything but this."""
    session = _denied(run.deployed.session)
    answer = ok(
        Client(run.client.url, run.deployed.signer(session), run.client.transport).get("/system"), 403
    )
    expect(answer.json["HttpStatus"] == 403, f"{answer.body[:200]!r}")  # noqa: PLR2004
    return "403"


def _denied(session: boto3.Session) -> boto3.Session:
    """Return the caller's own session, without the permission to call an API.

    Raises
    ------
    LeftOutError
        If STS gives none: a role has to be allowed to take itself.
    """
    sts = session.client("sts")
    policy = {"Statement": [{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}]}
    parts = sts.get_caller_identity()["Arn"].split("/")
    try:
        if ":assumed-role" in parts[0]:
            arn = parts[0].replace(":sts:", ":iam:").replace("assumed-role", "role") + f"/{parts[1]}"
            found: Any = sts.assume_role(RoleArn=arn, RoleSessionName="smoke", Policy=json.dumps(policy))
        else:
            found = sts.get_federation_token(Name="smoke", Policy=json.dumps(policy))
    except ClientError as error:
        raise LeftOutError(f"STS gives no weaker session ({error.response['Error']['Code']})") from error
    given = found["Credentials"]
    return boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=session.region_name
    )


@step("permissions suffice")
def permissions_suffice(run: Run) -> str:
    """Nothing that was tried was refused by IAM, KMS or a store."""
    stack = run.deployed
    time.sleep(_LATENESS)
    found = stack.logged('?AccessDenied ?"not authorized" ?KMSAccessDenied', run.began)
    expect(not found, f"{len(found)} lines, such as {found[:1]}")
    return f"no refusal in {len(stack.outputs['LogGroupNames'].split(','))} log groups"


@step("many batches start together")
def many_batches(run: Run) -> str:
    """Ask what the index consumed, and whether it refused writes."""
    watch = run.deployed.client("cloudwatch")
    sums = {}
    for name, dimension in (("ConsumedWriteCapacityUnits", ()), ("WriteThrottleEvents", ())):
        points = watch.get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName=name,
            Dimensions=[{"Name": "TableName", "Value": run.deployed.outputs["IndexTableName"]}, *dimension],
            StartTime=run.began - 60,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        sums[name] = sum(point["Sum"] for point in points)
    expect(sums["WriteThrottleEvents"] == 0, f"{sums['WriteThrottleEvents']:.0f} throttled writes")
    images = run.stored + run.edited
    return f"{sums['ConsumedWriteCapacityUnits'] / max(images, 1):.1f} units an image, as far as is told yet"


@step("cold starts")
def cold_starts(run: Run) -> str:
    """How long functions took to start."""
    lines = run.deployed.logged("{ $.record.metrics.initDurationMs > 0 }", run.began)
    if not lines:
        raise LeftOutError("no function was started anew, or the logs do not tell yet")
    slowest = max(json.loads(line)["record"]["metrics"]["initDurationMs"] for line in lines)
    expect(slowest < 2000, f"{slowest:.0f} ms: was it built without bytecode?")  # noqa: PLR2004
    return f"{len(lines)} starts, at most {slowest:.0f} ms"


@step("waiting")
def waiting(run: Run) -> str:
    """Let a job outlive its caller, for one batch is edited at a time: 504, and all images are done."""
    stack = run.deployed
    study = ok(run.client.get(f"/instances/{run.held['many']['ID']}")).json["ParentSeries"]
    try:
        with stack.workers(1):
            answer = run.client.post(f"/series/{study}/anonymize", {})
            if answer.status == 200:  # noqa: PLR2004
                remember(run, answer.json)
                return f"{run.images} images by one worker within 27 s: --images more of them"
            ok(answer, 504)
            location = answer.headers["location"]
            ended = run.client.ended(location.rpartition("/")[2])
    except ClientError as error:
        raise LeftOutError(f"no concurrency can be reserved ({error.response['Error']['Code']})") from error
    expect(ended["State"] == "Success", f"{ended['State']}: {ended['ErrorDetails']}")
    expect(ended["Content"]["FailedInstancesCount"] == 0, "images were lost to throttling")
    run.edited += run.images
    remember(run, ended["Content"])
    return f"504 at {location.split('/jobs/')[0]}/jobs; Success after {ended['EffectiveRuntime']:.0f} s"


@step("a small account goes through")
def small_account(run: Run) -> str:
    """Let three jobs share two workers, or what a small account has: each goes on until all is done."""
    stack = run.deployed
    study = ok(run.client.get(f"/instances/{run.held['many']['ID']}/study")).json["ID"]
    with ExitStack() as meanwhile:
        try:
            meanwhile.enter_context(stack.workers(2))
            told = "two workers"
        except ClientError:  # of ten functions, none can be reserved: there are few enough
            told = "the account's own workers"
        path, body = f"/studies/{study}/anonymize", {"Asynchronous": True}
        jobs = [ok(run.client.post(path, body)).json["ID"] for _ in range(_JOBS_AT_ONCE)]
        ended = [run.client.ended(job) for job in jobs]
    for one in ended:
        remember(run, one["Content"])
        expect(one["State"] == "Success", f"{one['State']}: {one['ErrorDetails']}")
        expect(one["Content"]["FailedInstancesCount"] == 0, "images were lost to throttling")
        run.edited += one["Content"]["InstancesCount"]
    return f"{_JOBS_AT_ONCE} jobs by {told}: {'; '.join(map(stack.map_items, jobs))}"


@step("throttling")
def throttling(run: Run) -> str:
    """More requests than the API takes: 429, with Orthanc's body."""
    with run.deployed.one_request_a_second(), ThreadPoolExecutor(_CALLS_AT_ONCE) as threads:
        answers = list(threads.map(lambda _: run.client.get("/system"), range(_CALLS_AT_ONCE)))
    refused = [answer for answer in answers if answer.status == 429]  # noqa: PLR2004
    expect(refused, f"{sorted({answer.status for answer in answers})}")
    expect(refused[0].json["HttpStatus"] == 429, f"{refused[0].body[:200]!r}")  # noqa: PLR2004
    return f"{len(refused)} of {len(answers)} at once are 429"


@step("workers are shared out")
def workers_are_shared_out(run: Run) -> str:
    """Ask whether Lambda told the planner how many workers there are."""
    stack = run.deployed
    found = stack.logged('"concurrency is not known"', run.began, groups=[stack.resources["PlanJobLogGroup"]])
    expect(not found, f"Lambda did not answer {len(found)} times: each job took MaxConcurrency")
    return "the account's concurrency was known for each map"


@step("nothing in logs")
def nothing_in_logs(run: Run) -> str:
    """Neither PatientID nor Orthanc's ids."""
    found = run.held["first"]
    names = [run.make.token, found["ID"], found["ParentStudy"], found["ParentPatient"]]
    told = [name for name in names if run.deployed.logged(f'"{name}"', run.began)]
    expect(not told, f"{len(told)} of {len(names)} identifiers are in logs")
    return f"{len(names)} identifiers looked for"


@step("alarms arrive")
def alarms_arrive(run: Run) -> str:
    """Each alarm is raised by hand, and reaches the topic."""
    watch = run.deployed.client("cloudwatch")
    names = [name for name in run.deployed.resources.values() if name.startswith(f"{run.deployed.name}-")]
    pages = watch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{run.deployed.name}-")
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm["AlarmName"] in names]
    expect(alarms, "the stack has no alarms")
    topic = run.deployed.outputs["AlarmTopicArn"]
    for alarm in alarms:
        expect(topic in alarm["AlarmActions"], f"{alarm['AlarmName']} tells nobody")
        for state in ("ALARM", "OK"):
            watch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue=state, StateReason="smoke test")
    pages = run.deployed.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    told = [
        one for page in pages for one in page["Subscriptions"] if one["SubscriptionArn"].startswith("arn:")
    ]
    return f"{len(alarms)} alarms, {len(told)} confirmed subscribers: look whether as many messages came"
