"""What is left of a Chinese text, and claims by their shape in Chinese."""

from __future__ import annotations

import re

from service.copy.claim_frames import Frame
from service.copy.facts import Line, is_negated
from service.copy.lexicon import han_words, ordinary_han_words
from service.copy.words import plain
from service.domain import Verdict

from .reading import Reading


def judge_han_frame(reading: Reading, frame: Frame) -> None:
    said = reading.source.lower[frame.start : frame.end]
    lines = [(low, ln) for low, ln in reading.book.han if not ln.negative]
    if frame.kind in ("material", "flavour"):
        return _judge_han_kind(reading, frame, said, lines)
    if frame.kind == "rank":
        if not any(said[:4] in low for low, _ in lines) and not any(said[:2] in low for low, _ in lines):
            reading.unsupported(frame.start, frame.end, "feature", f"no fact mentions: {said}")
        return None
    if any(said[i : i + 2] in low for i in range(len(said) - 1) for low, _ in lines):
        return None
    if any(c[0] < frame.end and frame.start < c[1] for c in reading.claims):
        return None
    if frame.kind == "may_have":
        covered = sum(m.end - m.start for m in han_words("zh").find(said))
        if covered >= len(said) - 1:
            return None
    return reading.unsupported(frame.start, frame.end, "feature", f"no fact mentions: {said}")


def _judge_han_kind(reading: Reading, frame: Frame, said: str, lines: list[tuple[str, Line]]) -> None:
    """X材质, X味: of what it is made, what it tastes or smells of."""
    if any(c[0] < frame.end and frame.start < c[1] for c in reading.claims) or said in _ANY_KIND:
        return None
    if any(said[i : i + 2] in low for i in range(len(said) - 1) for low, _ in lines):
        return None
    kinds = ("material", "ingredients") if frame.kind == "material" else ()
    line = next((reading.book.kinds[k] for k in kinds if k in reading.book.kinds), None)
    if frame.kind == "flavour":
        line = next((ln for ln in reading.book.facts() if re.search(r"味(?:$|[,、;])|香味|口味|味道|香型|气味", f"{ln.key}:{ln.value}")), None)  # fmt: skip  # noqa: E501
    if line is not None and not line.negative:
        return reading.contradicted(frame.start, frame.end, frame.type, line)
    return reading.unsupported(frame.start, frame.end, frame.type, f"no fact mentions: {said}")


_ANY_KIND = frozenset("优质 精选 环保 高级 上乘 食品级 好的 同样 不同 各种 多种 新型 安全 美味 风味 原味 滋味 口味 人情味 烟火味 家的味 妈妈味 年味 回味 韵味 品味 趣味 一味 入味 百味 有味 意味 玩味 精心 匠心 用心 倾力 全新 专为".split())  # fmt: skip  # noqa: E501, SIM905


_NOT_SO = re.compile(r"(?:无需|不需要?|不用|无须|免|无|不|没有|未|非|告别|别)[^\W\d_]{0,2}$")


def read_denied_keys(reading: Reading) -> None:
    """The name of what a fact says no to, said as if it were so (3D: 不支持, "支持3D")."""
    for line in reading.book.facts():
        key = plain(line.key).lower
        if not line.negative or len(key) < 2 or _IS_DENIAL.fullmatch(key):
            continue
        for match in re.finditer(re.escape(key), reading.source.lower):
            covered = any(c[0] <= match.start() < c[1] and c[3] is not Verdict.SUPPORTED for c in reading.claims)
            denial = _NOT_SO.search(reading.source.lower[: match.start()], max(0, match.start() - 8))
            if denial and any(c[0] < match.end() and match.start() < c[1] for c in reading.claims):
                continue
            if denial:
                reading.supported(denial.start(), match.end(), "feature", line)
                continue
            if is_negated(reading.source, match.start()):
                continue
            if not covered:
                reading.contradicted(*match.span(), "feature", line)


_IS_DENIAL = re.compile(
    r"不含|无|未含|不适用|不适合|禁止|不包括|未添加|无添加"
)  # a key that denies is no name of a thing


_HAN_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々〇]+")


def _keys_in(reading: Reading) -> set[int]:
    """Where the name of a fact begins in the text: what stands right before it is said of it."""
    text = reading.source.text
    return {c[0] for c in reading.claims if c[3] is Verdict.SUPPORTED and c[4] and c[4].split(":")[0].endswith(text[c[0] : c[1]])}  # fmt: skip  # noqa: E501


def read_rest_in_chinese(reading: Reading) -> None:
    """Characters no reader has spoken for: covered by facts' own strings, by harmless words, or unknown."""
    cover, keys = han_words("zh"), _keys_in(reading)
    for run in _HAN_RUN.finditer(reading.source.lower):
        known = [not reading.is_free(i, i + 1) for i in range(*run.span())]
        text = run.group()
        i = 0
        while i < len(text):
            if known[i]:
                i += 1
                continue
            n, line = _longest_fact(reading, text, i, known)
            if line is not None:
                for k in range(i, i + n):
                    known[k] = True
                reading.supported(run.start() + i, run.start() + i + n, "feature", line)
                if line.shown.split(":")[0].endswith(reading.source.text[run.start() + i : run.start() + i + n]):
                    keys.add(run.start() + i)
                i += n
            else:
                i += 1
        for a, b, kind in ((m.start, m.end, m.concepts[0]) for m in cover.find(text)):
            if not all(known[a:b]):
                if kind == "puffery" and b - a > 1 and not any(known[a:b]):
                    reading.add(
                        run.start() + a, run.start() + b, "opinion", Verdict.PUFFERY, None, "opinion, not a fact"
                    )
                for k in range(a, b):
                    known[k] = True
        _unknown_runs(reading, run.start(), known, keys)


def _longest_fact(reading: Reading, text: str, i: int, known: list[bool]) -> tuple[int, Line | None]:
    lines = reading.book.han_pairs.get(text[i : i + 2])
    if lines is None:
        return 0, None
    limit = i
    while limit < len(text) and limit < i + 12 and not known[limit]:
        limit += 1
    for n in range(limit - i, 1, -1):
        for low, line in lines:
            if text[i : i + n] in low:
                return n, line
    return 0, None


_HAN_FRAME_BEFORE = re.compile(r"(?:支持|采用|搭载|内置|自带|具备|具有|拥有|配备|配有|添加|富含|蕴含|含有?|升级|引进|源自|源于|来自|通过|获|荣获|经|由|带有?|附赠?|送|赠|可|能|会|防|抗|耐|免|无|零|超|不|比|专利|独家|首创|全球|全国|行业|国际|国家|进口|原装|正宗|纯|真|特级|古法|非遗|传统|手工|百年|皇家|宫廷|军|医|航天|德国|日本|韩国|意大利|法国|美国|瑞士)$")  # fmt: skip  # noqa: E501


_HAN_CLAIMING = re.compile(r"[防抗耐免零隔]|巡航|解锁|减震|避震|监测|识别|提醒|调节|净化|过滤|降温|加热|制冷|按摩|快充|闪充|联网|定位|追踪|录音|功能|技术|系统|科技|芯片|材质|级别?|专利|认证|指数|成分|因子|精华|工厂|直供|直营|同款|大师|名家|传人|非遗|专家|医生|医院|明星|博士|院士|部队|宇航|纳米|负离子|远红外|量子|石墨|磁疗|基因|分子|酵素|干细胞|智能|自动|感应|遥控|定制|刻字|设计师|联名|正品|保真|首创|独家|唯一|冠军|第一|加密|传输|模式|涂层|镀层|夹层|内胆|芯|仓|屏|灯$|扣$|袋$|垫$|罩$|架$|轮$|锁$|套$|盒$|刷$|布$|绒$|棉$|纱$|木$|石$|钢$|铝$|玉$|漆$|胶$|膜$|油$|酸$|素$|肽$|菌$|粉$|率|值|压|度$|力$|轴$|座$|键$|档$|管$|板$|网$|珠$|层$|孔$|槽$|筒$|桶$|篮$|柜$|绳$|链$|环$|壳$")  # fmt: skip  # noqa: E501


_EDGE = re.compile(r"$|[,.;!?、:\s]")


def _claims_in_chinese(lower: str, start: int, end: int) -> bool:
    """Whether unknown characters are said of the product: in a claim's frame, or made of what claims are made of.

    Four or more that no word of everyday life covers are a claim anywhere.
    """
    before, run = lower[max(0, start - 4) : start], lower[start:end]
    if _HAN_FRAME_BEFORE.search(before) or _HAN_CLAIMING.search(run) or _HAN_FRAME_BEFORE.search(run[:2]):
        return True
    if end - start <= 4 and _EDGE.match(lower[start - 1 : start]) and _EDGE.match(lower[end : end + 1]):
        return not ordinary_han_words().cover(lower, start, end)  # a name that is a clause of its own: 青轴,
    return end - start - sum(m.end - m.start for m in ordinary_han_words().find(run)) >= 4


def _unknown_runs(reading: Reading, offset: int, known: list[bool], keys: set[int]) -> None:
    start = None
    for i, is_known in enumerate([*known, True]):
        if not is_known and start is None:
            start = i
        elif is_known and start is not None:
            words = reading.source.text[offset + start : offset + i]
            if i - start >= 2 and (
                offset + i in keys or _claims_in_chinese(reading.source.lower, offset + start, offset + i)
            ):
                reading.unsupported(offset + start, offset + i, "feature", f"no fact mentions: {words}")
            start = None
