"""Generates what corpora lack: numbers, dates, amounts, codes, forms, signs, symbols, look-alikes.

Every function takes a generator of random numbers and gives one short text. Nothing here is real: persons,
companies, phone and account numbers are put together at random.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

FIELDS = tuple(
    "姓名 性别 年龄 出生 民族 住址 地址 电话 手机 邮箱 邮编 传真 网址 单位 部门 职务 职称 工号 学号 班级 专业 学历 体重 身高 血压 血型 四级 六级 "
    "科室 床号 诊断 医师 病历号 处方 用法用量 规格 批号 有效期至 生产日期 保质期 贮藏 成分 配料 净含量 产地 品名 品牌 型号 数量 单价 金额 合计 小计 "
    "总计 税率 税额 价税合计 大写 小写 购买方 销售方 名称 纳税人识别号 开户行 账号 开户行及账号 地址、电话 备注 收款人 复核 开票人 机器编号 校验码 发票代码 "
    "发票号码 开票日期 货物或应税劳务名称 收银员 小票号 桌号 应收 实收 找零 优惠 折扣 会员卡 积分 消费 支付方式 微信支付 支付宝 现金 刷卡 交易日期 "
    "商户名称 商户编号 终端号 卡号 卡类别 批次号 凭证号 授权码 参考号 检索参考号 交易类型 持卡人签名 有效期 应付账款 应收票据 固定资产 流动负债 净利润 "
    "营业收入 同比增长 增长率 车次 座位 检票口 航班 登机口 出发 到达 始发站 终点站 票价 快递单号 收件人 寄件人 运费 订单编号 下单时间 状态 操作 序号 "
    "编号 日期 时间 项目 内容 类别 等级 检验员 合格 材质 面料 尺码 颜色 货号 执行标准 安全类别 洗涤说明 签名 签章 审核 批准 起草 版本 页码 附件 "
    "姓 名 男 女 是 否 有 无 甲 乙 丙 丁 年 月 日 元 角 分 个 件 箱 瓶 盒 台 套 张 米 吨 楼 层 室 号".split()
)
SIGNS = tuple(
    "正品促销 限时特价 今日活动价 包邮 假一赔十 破损就赔 七天无理由退换 极速发货 收藏本店 现货 热卖 爆款 新品上市 买一送一 全场五折 满减 优惠券 立即购买 加入购物车 "
    "底价 券后价 日常价 到手价 惊喜福利 不容错过 强力去污 深度清洁 补水保湿 纯棉 聚酯纤维 桑蚕丝 加厚 透气 防水 环保 无甲醛 入口 出口 安全出口 小心地滑 请勿吸烟 "
    "禁止停车 注意安全 男洗手间 女洗手间 电梯 服务台 收费处 挂号处 停车场 营业时间 欢迎光临 谢谢惠顾 推 拉 开 关 请勿触摸 高压危险 有电危险 消防栓 灭火器 "
    "饭店 酒楼 超市 药房 银行 宾馆 网吧 理发 美容 五金 水果 烟酒 小吃 火锅 烧烤 面馆 奶茶 早餐 快餐 地铁站 公交站 售票处 火车站 机场 收藏 关注 点赞 分享 "
    "确定 取消 保存 删除 编辑 返回 登录 注册 设置 搜索 下载 上传 提交 重置 下一步 上一页 首页 我的 消息 更多 全部 筛选 排序 复制 粘贴 打印".split()
)
SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳唐罗薛"
    "雷贺倪汤滕殷毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席"
    "季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀"
)
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲建国华志红梅浩宇轩子涵欣怡雨晨梓萱思远佳琪俊豪天瑞雪莹晓东海峰春燕鑫博雅"
    "婷慧凯旋璐瑶昊然奕诺泽睿妍嘉懿铭钰珊彤曦晗煜炜烨翔鹏飞龙虎彪庆丰云帆若曦语嫣诗涵可心沐阳一凡之恒景行怀瑾握瑜"
)
PLACES = tuple(
    "北京 上海 天津 重庆 广州 深圳 杭州 南京 苏州 武汉 成都 西安 郑州 长沙 沈阳 大连 青岛 济南 宁波 厦门 福州 合肥 昆明 贵阳 南宁 海口 太原 石家庄 "
    "哈尔滨 长春 呼和浩特 乌鲁木齐 拉萨 西宁 银川 兰州 无锡 佛山 东莞 温州 香港 澳门 台北 高雄".split()
)
TRADES = tuple(
    "科技 网络 信息 贸易 实业 建筑工程 房地产开发 餐饮管理 食品 服装 医药 生物 电子 机械制造 化工 物流 运输 广告 文化传媒 教育咨询 投资 金融 "
    "汽车销售 五金 纺织 印刷 环保 新能源 农业 酒店管理 物业 装饰".split()
)
COMPANY_ENDS = (
    "有限公司",
    "有限责任公司",
    "股份有限公司",
    "集团有限公司",
    "厂",
    "商行",
    "经营部",
    "分公司",
    "（集团）公司",
)
UNITS = (
    "℃ ℉ % ‰ kg g mg μg ng t kg/m² mg/dl mmol/L μmol/L U/L g/L m² m³ ㎡ cm mm μm nm km km/h m/s L ml mL dB Hz kHz MHz GHz "
    "V kV mV A mA W kW kWh Ω kΩ Pa kPa MPa bar N·m KB MB GB TB Mbps rpm ppm lx K ° ′ °C cal kcal kJ".split()
)
ENGLISH_SIGNS = tuple(
    "NO. No. TKT VAT TAX TOTAL SUBTOTAL CASH CHANGE CARD DATE TIME TEL FAX QTY PRICE AMOUNT ITEM INVOICE RECEIPT ORDER TABLE GUEST SERVER THANK YOU "
    "OPEN CLOSED EXIT ENTRANCE PUSH PULL STOP SALE HOTEL CAFE BAR BANK TAXI BUS POLICE DANGER WARNING CAUTION NOTICE FRAGILE MADE IN CHINA "
    "BATCH NO. CARD TYPE EXPIRY DATE/TIME REF NO. SYSTEM NO. AUTH CODE MERCHANT TERMINAL SIGNATURE CARDHOLDER COPY NAME SIZE STYLE COLOR MODEL "
    "S/N P/N ID SN OEM ODM NIKE LTD CO., LTD. INC. USA AI API CPU GPU RAM USB HDMI WIFI Wi-Fi 5G 4G LED LCD TV PC CD DVD VIP QR PDF".split()
)
NUMERALS = "零壹贰叁肆伍陆柒捌玖"
ENUMERATORS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"
BULLETS = "●■□◆◇★☆○◎▲△▶√✓✕☑☐※→♥◆•·❖➢▪№"
LOOKALIKES = (
    "Il1|i!",
    "O0oDQ",
    "5S$s",
    "8B&3",
    "2Zz",
    "6Gb",
    "9gq",
    "rnm",
    "clda",
    "vwVW",
    "uvUV",
    "-–—_",
    ".,;:",
    "'`’\"",
    "([{|",
    "/\\|",
    "AI1l",
    "CGcO",
    "未末",
    "己已巳",
    "日曰",
    "人入八",
    "土士",
    "戊戌戍",
    "千干于",
    "大太犬",
    "免兔",
    "鸟乌",
    "茶荼",
    "幕墓慕",
    "折拆",
    "侯候",
    "晴睛",
    "暖暧",
    "买卖",
    "拔拨",
    "炙灸",
    "毫亳",
    "一-—",
    "口囗",
    "，,",
    "。.",
    "〇○O",
    "x×X",
    "÷+",
    "。o",
)


def digits(rng: random.Random, least: int = 1, most: int = 12) -> str:
    """Give a run of digits."""
    return "".join(rng.choices(string.digits, k=rng.randint(least, most)))


def number(rng: random.Random) -> str:
    """Give a number as tables hold it: `509,510,514.92`, `-3.5`, `0.04`, `96`."""
    value = rng.choice((rng.randint(0, 9), rng.randint(0, 999), rng.randint(0, 10 ** rng.randint(3, 11))))
    decimals = rng.choice((0, 0, 1, 2, 2, 2, 3, 4))
    grouped = f"{value:,}" if rng.random() < 0.6 else str(value)
    sign = rng.choice(("", "", "", "", "", "-", "+", "±", "≤", "≥", "<", ">", "≈", "~"))
    return sign + grouped + (f".{rng.randrange(10**decimals):0{decimals}d}" if decimals else "")


def spelt_amount(rng: random.Random) -> str:
    """Give an amount in banker's numerals: `人民币壹万贰仟叁佰元整`."""
    out, started = [], False
    for digit, place in zip(digits(rng, 5, 5), ("万", "仟", "佰", "拾", "元"), strict=True):
        if digit != "0":
            out.append(NUMERALS[int(digit)] + place)
            started = True
        elif place == "元" and started:
            out.append("元")
    text = "".join(out) or "零元"
    tail = rng.choice(
        (
            "整",
            "正",
            f"{rng.choice(NUMERALS[1:])}角",
            f"{rng.choice(NUMERALS[1:])}角{rng.choice(NUMERALS[1:])}分",
        )
    )
    return rng.choice(("", "", "人民币", "⊗", "（大写）")) + text + tail


def amount(rng: random.Random) -> str:
    """Give a price or a sum."""
    value = number(rng).lstrip("-+±≤≥<>≈~")
    if rng.random() < 0.15:
        return spelt_amount(rng)
    front = rng.choice(("￥", "¥", "¥ ", "$", "€", "£", "RMB ", "US$", "HK$", "人民币", ""))
    return (
        front
        + value
        + (
            rng.choice(("元", "元/件", "万元", "亿元", "起", "/kg", "/斤", "元整", "円"))
            if rng.random() < 0.5
            else ""
        )
    )


def percentage(rng: random.Random) -> str:
    """Give a percentage or per mille."""
    return f"{rng.uniform(0, 120):.{rng.choice((0, 1, 2, 4))}f}" + rng.choice(
        ("%", "%", "%", "％", "‰", " %")
    )


def date(rng: random.Random) -> str:
    """Give a date, a time of day, or both."""
    year, month, day = rng.randint(1949, 2035), rng.randint(1, 12), rng.randint(1, 31)
    hour, minute, second = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    days = (
        f"{year}年{month}月{day}日",
        f"{year}-{month:02d}-{day:02d}",
        f"{year}/{month:02d}/{day:02d}",
        f"{day:02d}/{month:02d}/{year}",
        f"{year}.{month}.{day}",
        f"{year}{month:02d}{day:02d}",
        f"{month}月{day}日",
        f"{year}年第{rng.choice('一二三四')}季度",
        f"{year % 100:02d}-{month:02d}-{day:02d}",
        f"{rng.choice('Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split())} {day}, {year}",
        f"{day:02d}{rng.choice('JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split())}{year % 100:02d}",
        f"星期{rng.choice('一二三四五六日')}",
    )
    times = (
        f"{hour:02d}:{minute:02d}",
        f"{hour:02d}:{minute:02d}:{second:02d}",
        f"{hour}时{minute}分",
        f"{hour % 12}:{minute:02d} {rng.choice(('AM', 'PM'))}",
    )
    return rng.choice((rng.choice(days), rng.choice(times), f"{rng.choice(days)} {rng.choice(times)}"))


def span(rng: random.Random) -> str:
    """Give a range: `155-165`, `12～24`, `1~5`."""
    low = rng.randint(0, 200)
    return f"{low}{rng.choice('-–—~～至/×x')}{low + rng.randint(1, 100)}" + (
        quantity_unit(rng) if rng.random() < 0.3 else ""
    )


def quantity_unit(rng: random.Random) -> str:
    """Give a unit."""
    return rng.choice(UNITS)


def quantity(rng: random.Random) -> str:
    """Give a number with a unit: `-40℃`, `5 mg/dl`, `±0.5mm`."""
    return number(rng) + rng.choice(("", "", " ")) + quantity_unit(rng)


def sum_(rng: random.Random) -> str:
    """Give a sum as school books have it: `2.4×0.2=`."""
    a, b = (
        rng.choice((str(rng.randint(0, 1000)), f"{rng.uniform(0, 10):.{rng.randint(1, 2)}f}")) for _ in "ab"
    )
    sign = rng.choice("+-×÷×÷=<>≤≥≠≈±*/√^∞π∠⊥∥∵∴")
    left = rng.choice((f"{a}{sign}{b}", f"{sign}{b}", f"{a} {sign} {b}", f"({a}{sign}{b})²", f"√{a}"))
    return left + rng.choice(("=", "=", f"={number(rng)}", "", " = ?", "≈"))


def code(rng: random.Random) -> str:
    """Give a serial number, a card number, a licence plate, a version, an identifier."""
    kind = rng.randrange(9)
    if kind == 0:
        return "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(4, 18)))
    if kind == 1:
        return rng.choice(("NO.", "No.", "No:", "№", "NO：", "编号：", "S/N: ")) + digits(rng, 4, 12)
    if kind == 2:
        return " ".join(digits(rng, 4, 4) for _ in range(4)) + digits(rng, 0, 3)
    if kind == 3:
        return (
            rng.choice("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")
            + rng.choice(string.ascii_uppercase)
            + rng.choice("··· ")
            + "".join(rng.choices(string.ascii_uppercase + string.digits, k=5))
        )
    if kind == 4:
        return rng.choice(("v", "V", "")) + ".".join(digits(rng, 1, 2) for _ in range(rng.randint(2, 4)))
    if kind == 5:
        return "-".join(
            "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(2, 6)))
            for _ in range(rng.randint(2, 4))
        )
    if kind == 6:
        return digits(rng, 17, 17) + rng.choice(string.digits + "X")
    if kind == 7:
        return "".join(rng.choices("0123456789ABCDEFabcdef", k=rng.randint(6, 24)))
    return "".join(rng.choices(string.ascii_letters + string.digits, k=rng.randint(3, 14)))


def phone(rng: random.Random) -> str:
    """Give a phone number."""
    return rng.choice(
        (
            f"1{rng.choice('3456789')}{digits(rng, 9, 9)}",
            f"0{digits(rng, 2, 3)}-{digits(rng, 7, 8)}",
            f"400-{digits(rng, 3, 3)}-{digits(rng, 4, 4)}",
            f"+86 1{digits(rng, 2, 2)} {digits(rng, 4, 4)} {digits(rng, 4, 4)}",
            f"({digits(rng, 3, 3)}) {digits(rng, 3, 3)}-{digits(rng, 4, 4)}",
            f"TEL:{digits(rng, 8, 11)}",
        )
    )


def person(rng: random.Random) -> str:
    """Give a Chinese name."""
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2))))


def company(rng: random.Random) -> str:
    """Give the name of a company."""
    brand = "".join(rng.choices(GIVEN + SURNAMES, k=rng.choice((2, 2, 3))))
    place = rng.choice(PLACES) + rng.choice(("", "市", "省", ""))
    return place + brand + rng.choice(TRADES) + rng.choice(COMPANY_ENDS)


def field(rng: random.Random) -> str:
    """Give a field of a form, with or without a value, with or without its English name."""
    label = rng.choice(FIELDS)
    if rng.random() < 0.15:
        label += rng.choice(("({})", "（{}）", "/{}", " {}", "[{}]")).format(rng.choice(ENGLISH_SIGNS))
    if rng.random() < 0.3:
        return label + rng.choice(("", "", ":", "：", " (%)", "(元)", "（元）", "/m", "(吨)"))
    return label + rng.choice((":", "：", ": ", " ", "： ")) + rng.choice(_VALUES)(rng)


def sign(rng: random.Random) -> str:
    """Give one to three words of shops, screens and signs."""
    return rng.choice(("", " ", " ", "，", "·", "/", "｜", "|")).join(
        rng.sample(SIGNS, rng.choice((1, 1, 2, 2, 3)))
    )


def english_sign(rng: random.Random) -> str:
    """Give upper-case English of tickets and signs."""
    return " ".join(rng.choices(ENGLISH_SIGNS, k=rng.choice((1, 1, 2, 3)))) + rng.choice(
        ("", "", "", ":", f" {digits(rng)}")
    )


def address_of_net(rng: random.Random) -> str:
    """Give a URL, an e-mail address, a path or a file name."""

    def word() -> str:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))

    end = rng.choice((".com", ".cn", ".com.cn", ".org", ".net", ".io", ".gov.cn", ".edu.cn"))
    return rng.choice(
        (
            f"https://www.{word()}{end}/{word()}",
            f"http://{word()}{end}",
            f"www.{word()}{end}",
            f"{word()}{digits(rng, 0, 4)}@{word()}{end}",
            f"{word()}_{word()}.{rng.choice(('py', 'txt', 'pdf', 'docx', 'png', 'jpg'))}",
            f"/{word()}/{word()}/{word()}",
            f"C:\\{word().title()}\\{word()}",
            f"--{word()}={digits(rng, 1, 4)}",
            f"@{word()}{digits(rng, 0, 3)}",
            f"#{word()}#",
            f"{word()}({word()}, {digits(rng, 1, 3)})",
            f"{word()}[{digits(rng, 1, 2)}] = {{{word()}}};",
        )
    )


def lookalikes(rng: random.Random) -> str:
    """Give characters that are taken for one another: `Il1`, `未末`."""
    group = rng.choice(LOOKALIKES)
    text = "".join(rng.choices(group, k=rng.randint(1, 4)))
    return rng.choice(
        (
            text,
            text + digits(rng, 1, 3),
            rng.choice(
                (
                    "AI",
                    "Al",
                    "A1",
                    "I",
                    "l",
                    "II",
                    "Ill",
                    "ll",
                    "OO",
                    "0O",
                    "IP",
                    "lP",
                    "ID",
                    "lD",
                    "VI",
                    "IV",
                    "LI",
                    "Li",
                    "IT",
                    "If",
                    "In",
                    "Is",
                    "Isl",
                    "All",
                    "Ali",
                    "AIl",
                )
            )
            + text[:1] * rng.randint(0, 1),
        )
    )


_VALUES: Sequence[Callable[[random.Random], str]] = (
    number,
    amount,
    date,
    code,
    phone,
    person,
    company,
    quantity,
    percentage,
    digits,
    sign,
)

GENERATORS: dict[Callable[[random.Random], str], float] = {
    number: 14, amount: 8, percentage: 4, date: 9, span: 4, quantity: 7, sum_: 5, code: 10, phone: 4, person: 5,
    company: 5, field: 22, sign: 12, english_sign: 8, address_of_net: 5, lookalikes: 5,
}  # fmt: skip
"""Generators with their weights."""


def phrase(rng: random.Random) -> str:
    """Give a text of any of the kinds."""
    return rng.choices(tuple(GENERATORS), tuple(GENERATORS.values()))[0](rng)


def item(rng: random.Random, text: str) -> str:
    """Put a bullet, a number or brackets to a text, as lists and headings have them."""
    front = (
        lambda: rng.choice(BULLETS) + rng.choice(("", " ")),
        lambda: rng.choice(ENUMERATORS),
        lambda: f"{rng.randint(1, 30)}{rng.choice(('.', '、', ')', '．', '. '))}",
        lambda: f"({rng.randint(1, 20)})",
        lambda: f"（{rng.choice('一二三四五六七八九十')}）",
        lambda: f"{rng.choice('一二三四五六七八九十')}、",
        lambda: f"第{rng.choice('一二三四五六七八九十')}{rng.choice('章节条款回部')} ",
        lambda: (
            f"{rng.choice(('图', '表', '例'))}{rng.choice(('', ' '))}{rng.randint(1, 9)}{rng.choice(('', '-1', '.2'))} "
        ),
    )
    pairs = ("【】", "「」", "《》", "（）", "()", "[]", "“”", '""', "〈〉", "『』", "‘’", "〔〕", "{}", "<>")
    if rng.random() < 0.6:
        return rng.choice(front)() + text
    pair = rng.choice(pairs)
    cut = rng.randint(1, len(text)) if text else 0
    return pair[0] + text[:cut] + pair[1] + text[cut:]
